"""Whether the GPU, its driver and this torch do what the study's jobs will ask of them."""

from __future__ import annotations

from collections.abc import Mapping

from ..limits import most_gpus, training_gpus
from .results import Result, ok, problem, size, warning

_TOLERANCE = 1e-3  # relative; fp32 sums in another order differ by 1e-6


class Cuda:
    """torch.cuda, as far as the checks ask."""

    def built_with(self) -> str | None:
        """CUDA's version that this torch was built with; None for a CPU build."""
        import torch

        return torch.version.cuda or torch.version.hip

    def trouble(self) -> str:
        """Why CUDA does not start; "" if it does."""
        import torch

        try:
            torch.cuda.init()
        except Exception as error:  # whatever driver and loader throw: it is shown
            return str(error).splitlines()[0]
        return "" if torch.cuda.device_count() else "no device is visible"

    def count(self) -> int:
        import torch

        return torch.cuda.device_count()

    def name(self) -> str:
        import torch

        return torch.cuda.get_device_name(0)

    def capability(self) -> tuple[int, int]:
        import torch

        return torch.cuda.get_device_capability(0)

    def architectures(self) -> list[str]:
        """That this torch has kernels for: sm_80, or compute_90 to be translated."""
        import torch

        return torch.cuda.get_arch_list()

    def memory(self) -> tuple[int, int]:
        """Bytes free and in all."""
        import torch

        return torch.cuda.mem_get_info(0)

    def bf16(self) -> bool:
        import torch

        return torch.cuda.is_bf16_supported(including_emulation=False)

    def error(self) -> float:
        """Largest relative difference to the CPU of a product of matrices and a convolution."""
        import torch

        draw = torch.Generator().manual_seed(0)
        left, right = (torch.randn(256, 256, generator=draw) for _ in range(2))
        image, kernel = (torch.randn(4, 16, *s, generator=draw) for s in ((32, 32), (3, 3)))
        convolve = torch.nn.functional.conv2d
        pairs = [
            (left @ right, left.cuda() @ right.cuda()),
            (convolve(image, kernel), convolve(image.cuda(), kernel.cuda())),
        ]
        return max(float((b.cpu() - a).norm() / a.norm()) for a, b in pairs)


def check_gpu(config: Mapping, needs: Mapping[str, int], cuda: Cuda) -> list[Result]:
    """The GPU of a job against the config; `needs`: bytes of GPU memory by stage."""
    wanted, shared = most_gpus(config), training_gpus(config)
    if not wanted:
        finding = "runtime.gpus_per_job is 0: every job runs on the CPU"
        return [ok("GPU", finding)]
    cpu = "or set runtime.gpus_per_job to 0 to run on the CPU"
    if not cuda.built_with():
        finding = f"{wanted} GPUs a job are asked for, but this torch was built without CUDA"
        return [problem("GPU", finding, f"install a build of torch with CUDA, {cpu}")]
    if trouble := cuda.trouble():
        finding = f"torch for CUDA {cuda.built_with()} finds no GPU ({trouble})"
        return [problem("GPU", finding, f"look at nvidia-smi: GPU, driver and its version; {cpu}")]
    found = [ok("GPU", f"{cuda.name()}, torch for CUDA {cuda.built_with()}")]
    if cuda.count() < wanted:
        key = "gpus_per_job" if config["runtime"]["gpus_per_job"] == wanted else "gpus_per_training"
        finding = f"{cuda.count()} of runtime.{key} {wanted} are visible"
        found.append(problem("GPU", finding, f"set runtime.{key} to {cuda.count()}"))
    batch = config["training"]["batch_size"]
    if shared and batch % shared:
        finding = f"training.batch_size {batch} cannot be shared by a training's {shared} GPUs"
        found.append(problem("GPU", finding, f"make it a multiple of {shared}, or take fewer GPUs"))
    kernels = _check_architecture(cuda)
    found.append(kernels)
    if kernels.state == "ok":
        found += [_check_arithmetic(cuda), *_check_precision(config, cuda)]
    return found + _check_memory(config, needs, cuda)


def _check_architecture(cuda: Cuda) -> Result:
    """Kernels run on GPUs of their own generation and a later revision; PTX on later ones too."""
    major, minor = cuda.capability()
    architectures = cuda.architectures()
    for name in architectures:
        kind, _, number = name.partition("_")
        digits = "".join(filter(str.isdigit, number))
        if not digits:
            continue
        built = (int(digits[:-1]), int(digits[-1]))
        same = built[0] == major and built[1] <= minor
        if same if kind == "sm" else built <= (major, minor):
            return ok("GPU kernels", f"compute capability {major}.{minor} runs {name}")
    finding = f"compute capability {major}.{minor}; this torch has {', '.join(architectures)}"
    return problem("GPU kernels", finding, "install a build of torch for this GPU")


def _check_arithmetic(cuda: Cuda) -> Result:
    try:
        error = cuda.error()
    except Exception as trouble:  # a driver's errors have no class of their own
        finding = f"a small product fails: {str(trouble).splitlines()[0]}"
        return problem("GPU sums", finding, "match driver and torch: see nvidia-smi")
    if not error < _TOLERANCE:  # also if it is not a number
        finding = f"differ from the CPU's by {error:.1e}"
        return problem("GPU sums", finding, "do not use this GPU: driver, torch or card is faulty")
    return ok("GPU sums", f"product and convolution as on the CPU ({error:.1e})")


def _check_precision(config: Mapping, cuda: Cuda) -> list[Result]:
    stages = [name for name in ("training", "sampling") if config[name]["precision"] == "bf16"]
    if not stages:
        return []
    keys = " and ".join(f"{name}.precision" for name in stages)
    if cuda.bf16():
        return [ok("GPU bf16", f"{keys} bf16 is supported")]
    finding = f"{keys} bf16, which this GPU lacks"
    return [problem("GPU bf16", finding, f"set {keys} to fp32 or fp16")]


def _check_memory(config: Mapping, needs: Mapping[str, int], cuda: Cuda) -> list[Result]:
    free, total = cuda.memory()
    training = config["training"]
    spared = [f"training.{key}" for key in ("lora", "gradient_checkpointing") if training[key]]
    results = []
    for stage, need in needs.items():
        finding = f"{stage} needs about {size(need)} of {size(total)}, {size(free)} are free"
        cure = f"lower {stage}.batch_size"
        if need > total and stage == "training" and spared:
            cure = f"it may do, for what {' and '.join(spared)} spares is not counted; or {cure}"
            results.append(warning("GPU memory", finding, cure))
        elif need > total:
            results.append(problem("GPU memory", finding, f"{cure}, or take a larger GPU"))
        elif need > free:
            results.append(warning("GPU memory", finding, f"close what else uses it, or {cure}"))
        else:
            results.append(ok("GPU memory", finding))
    return results
