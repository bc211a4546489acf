"""The families of sounds, with their names in the original datasets and their words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.synthetic import machines, nature, objects, voices

Sound = Callable[[np.random.Generator, np.random.Generator, float, int], np.ndarray]


@dataclass(frozen=True)
class Family:
    """A family of sounds.

    clauses: the event as a sentence ("a dog barks"); phrases: as a noun ("a dog barking").
    The words overlap with the AudioSet name, so that a model of the wide corpus knows them.
    steady: it fills the clip, so that other events can happen "while" it lasts.
    audioset: mid and display name; esc50 and urbansound8k: class name and number, or None.
    """

    name: str
    sound: Sound
    audioset: tuple[str, str]
    esc50: tuple[str, int] | None
    urbansound8k: tuple[str, int] | None
    clauses: tuple[str, ...]
    phrases: tuple[str, ...]
    steady: bool = False


_ALL = [
    Family(
        "dog", voices.dog, ("/m/0bt9lr", "Dog"), ("dog", 0), ("dog_bark", 3),
        ("a dog barks", "a dog is barking", "dog barks"), ("a dog barking", "a barking dog"),
    ),
    Family(
        "cat", voices.cat, ("/m/01yrx", "Cat"), ("cat", 5), None,
        ("a cat meows", "a cat is meowing"), ("a cat meowing", "a meowing cat"),
    ),
    Family(
        "rooster", voices.rooster, ("/m/09b5t", "Chicken, rooster"), ("rooster", 1),
        None,
        ("a rooster crows", "a rooster is crowing"), ("a rooster crowing", "a crowing rooster"),
    ),
    Family(
        "chirping_birds", voices.chirping_birds, ("/m/015p6", "Bird"),
        ("chirping_birds", 14), None,
        ("a bird chirps", "a bird is tweeting"), ("a bird chirping", "bird chirps"),
    ),
    Family(
        "crying_baby", voices.crying_baby, ("/t/dd00002", "Baby cry, infant cry"),
        ("crying_baby", 20), None,
        ("a baby cries", "a baby is crying", "an infant cries"),
        ("a baby crying", "a crying infant"),
        steady=True,
    ),
    Family(
        "children_playing", voices.children_playing, ("/t/dd00013", "Children playing"),
        None, ("children_playing", 2),
        ("children play", "children are shouting and playing"),
        ("children playing", "children shouting"),
        steady=True,
    ),
    Family(
        "clapping", voices.clapping, ("/m/0l15bq", "Clapping"), ("clapping", 22), None,
        ("people clap", "an audience is clapping", "a crowd claps"),
        ("people clapping", "a clapping crowd"), steady=True,
    ),
    Family(
        "rain", nature.rain, ("/m/06mb1", "Rain"), ("rain", 10), None,
        ("rain falls", "rain is falling"), ("rain falling", "falling rain"), steady=True,
    ),
    Family(
        "sea_waves", nature.sea_waves, ("/m/034srq", "Waves, surf"), ("sea_waves", 11), None,
        ("waves roll in", "sea waves are breaking", "waves crash on a shore"),
        ("waves rolling in", "the surf of the sea"), steady=True,
    ),
    Family(
        "wind", nature.wind, ("/m/03m9d0z", "Wind"), ("wind", 16), None,
        ("the wind blows", "wind is howling"), ("wind blowing", "howling wind"), steady=True,
    ),
    Family(
        "crackling_fire", nature.crackling_fire, ("/m/02_41", "Fire"),
        ("crackling_fire", 12), None,
        ("a fire crackles", "a fire is crackling"), ("a fire crackling", "a crackling fire"),
        steady=True,
    ),
    Family(
        "water_drops", nature.water_drops, ("/m/0838f", "Water"), ("water_drops", 15), None,
        ("water drips", "water is dripping"), ("water dripping", "drops of water"), steady=True,
    ),
    Family(
        "engine", machines.engine, ("/m/02mk9", "Engine"), ("engine", 44), ("engine_idling", 5),
        ("an engine idles", "an engine is idling"),
        ("an engine idling", "an idle engine"), steady=True,
    ),
    Family(
        "helicopter", machines.helicopter, ("/m/09ct_", "Helicopter"), ("helicopter", 40), None,
        ("a helicopter flies", "a helicopter is flying", "helicopter blades spin"),
        ("a helicopter flying", "a helicopter"), steady=True,
    ),
    Family(
        "chainsaw", machines.chainsaw, ("/m/01j4z9", "Chainsaw"), ("chainsaw", 41), None,
        ("a chainsaw runs", "a chainsaw is revving"), ("a chainsaw revving", "a chainsaw"),
        steady=True,
    ),
    Family(
        "drilling", machines.drilling, ("/m/01d380", "Drill"), None, ("drilling", 4),
        ("a drill whirs", "someone is drilling"), ("a drill whirring", "drilling"),
    ),
    Family(
        "jackhammer", machines.jackhammer, ("/m/03p19w", "Jackhammer"), None, ("jackhammer", 7),
        ("a jackhammer pounds", "a jackhammer is hammering"),
        ("a jackhammer pounding", "a jackhammer"),
    ),
    Family(
        "air_conditioner", machines.air_conditioner, ("/m/025wky1", "Air conditioning"),
        None, ("air_conditioner", 0),
        ("an air conditioner hums", "an air conditioner is running"),
        ("an air conditioner humming", "an air conditioner"), steady=True,
    ),
    Family(
        "siren", machines.siren, ("/m/03kmc9", "Siren"), ("siren", 42), ("siren", 8),
        ("a siren wails", "a siren is blaring", "an emergency siren sounds"),
        ("a siren wailing", "a siren"), steady=True,
    ),
    Family(
        "car_horn", machines.car_horn, ("/m/0912c9", "Vehicle horn, car horn, honking"),
        ("car_horn", 43), ("car_horn", 1),
        ("a car horn honks", "a car is honking"), ("a car honking", "a car horn"),
    ),
    Family(
        "clock_tick", objects.clock_tick, ("/m/01x3z", "Clock"), ("clock_tick", 38), None,
        ("a clock ticks", "a clock is ticking"), ("a clock ticking", "ticks of a clock"),
        steady=True,
    ),
    Family(
        "keyboard_typing", objects.keyboard_typing, ("/m/01m2v", "Computer keyboard"),
        ("keyboard_typing", 32), None,
        ("someone types on a keyboard", "a keyboard clatters"),
        ("typing on a keyboard", "a keyboard"),
        steady=True,
    ),
    Family(
        "door_wood_knock", objects.door_wood_knock, ("/m/07r4wb8", "Knock"),
        ("door_wood_knock", 30), None,
        ("someone knocks on a door", "a person is knocking on wood"),
        ("knocking on a door", "knocks on wood"),
    ),
    Family(
        "footsteps", objects.footsteps, ("/m/07pbtc8", "Walk, footsteps"), ("footsteps", 25), None,
        ("a person walks", "someone is walking"), ("footsteps", "a person walking"), steady=True,
    ),
    Family(
        "glass_breaking", objects.glass_breaking, ("/m/039jq", "Glass"),
        ("glass_breaking", 39), None,
        ("glass breaks", "a glass shatters"), ("glass breaking", "glass shattering"),
    ),
    Family(
        "church_bells", objects.church_bells, ("/m/03w41f", "Church bell"),
        ("church_bells", 46), None,
        ("a church bell rings", "church bells are tolling"),
        ("church bells ringing", "a church bell"),
    ),
    Family(
        "gun_shot", objects.gun_shot, ("/m/032s66", "Gunshot, gunfire"), None, ("gun_shot", 6),
        ("a gun fires", "someone fires a gun"), ("gunshots", "a gun firing"),
    ),
    Family(
        "telephone", objects.telephone, ("/m/07pp8cl", "Telephone bell ringing"), None, None,
        ("a telephone rings", "a phone is ringing"), ("a telephone ringing", "a phone ringing"),
    ),
    Family(
        "clock_alarm", objects.clock_alarm, ("/m/046dlr", "Alarm clock"), ("clock_alarm", 37), None,
        ("an alarm clock beeps", "an alarm is beeping"),
        ("an alarm clock beeping", "an alarm beeping"),
        steady=True,
    ),
    Family(
        "street_music", objects.street_music, ("/m/04rlf", "Music"), None, ("street_music", 9),
        ("music plays", "some music is playing"), ("music playing", "some music"), steady=True,
    ),
]  # fmt: skip

FAMILIES: dict[str, Family] = {family.name: family for family in _ALL}


def class_of(family: Family, layout: str) -> str | None:
    """The name that `layout` gives to the family: class name, or the family's own name where the
    dataset has captions (audiocaps) or display names (audioset); None if it has no such class."""
    if layout in ("audiocaps", "audioset"):
        return family.name
    label = getattr(family, layout)
    return label[0] if label else None


def choose(layout: str, classes: Iterable[str] | None) -> list[Family]:
    """The families of `classes`, named as `layout` names them, in their order; None: all it has."""
    known = {name: f for f in _ALL if (name := class_of(f, layout))}
    if classes is None:
        return list(known.values())
    if isinstance(classes, str):
        raise UserError(f"clips.classes: {classes!r} is not a list; write [{classes}]")
    wanted = list(classes)
    strange = [name for name in wanted if name not in known]
    if strange:
        raise UserError(
            f"clips.classes: {layout} has no synthetic class {strange[0]!r}; "
            f"choose from {', '.join(sorted(known))}"
        )
    if not wanted or len(set(wanted)) < len(wanted):
        raise UserError("clips.classes: name at least one class, and each once (or null for all)")
    return [known[name] for name in wanted]
