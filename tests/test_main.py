"""`python -m audioldm_bench results/<study>`."""

from audioldm_bench.__main__ import main


def test_it_prints_both_tables_and_the_paths_of_the_rest(tmp_path, capsys):
    (tmp_path / "tables").mkdir()
    (tmp_path / "figures").mkdir()
    (tmp_path / "tables" / "table1.md").write_text("| first |\n")
    (tmp_path / "tables" / "table2.md").write_text("| second |\n")
    (tmp_path / "figures" / "fig1.png").touch()
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.index("| first |") < said.index("| second |")
    assert str(tmp_path / "figures" / "fig1.png") in said and "report.html" not in said


def test_a_study_that_has_not_run_is_told_in_words(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert "run the study first" in capsys.readouterr().err
