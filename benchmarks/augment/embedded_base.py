"""The embedded base for a benchmark: where it lies, a half-precision form of it, and a server with adapters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ports import free_ports
from infra.stack.weights import chat_weights
from tasks.tuning.base import Base


def embedded_base() -> Base:
    """Returns the weights that travel with the project."""
    file = chat_weights()
    return Base("smollm2-135m", file.name, file.parent, file.name)


def half_precision(folder: Path) -> Path:
    """Returns the embedded base as F16: the same weights, but multiplied without rounding them and what comes in."""
    import gguf
    import numpy as np

    read, path = gguf.GGUFReader(chat_weights()), folder / "f16.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    for field in read.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=sub)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for tensor in read.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, values.astype(np.float32 if values.ndim == 1 else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@contextmanager
def serving(weights: Path, adapters: Mapping[str, Path]) -> Iterator[tuple[str, dict[str, int]]]:
    """Serves weights with adapters for the length of the block; yields the address and the server's ids by name."""
    import httpx
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.hostnames, parameters.port = ["127.0.0.1"], free_ports(1)[0]
    parameters.n_parallel, parameters.n_ctx, parameters.cache_ram_mib = 4, 4 * 1024, 0
    parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in adapters.values()]
    parameters.verbosity = 1  # errors alone
    server = xllamacpp.Server(parameters)
    address = f"http://127.0.0.1:{parameters.port}"
    listed = httpx.get(f"{address}/lora-adapters", timeout=60, trust_env=False).raise_for_status().json()
    by_path = {each["path"]: int(each["id"]) for each in listed}
    try:
        yield address, {name: by_path[str(path)] for name, path in adapters.items()}
    finally:
        del server
