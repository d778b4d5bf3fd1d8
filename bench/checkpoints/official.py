"""Checkpoints from official weights and back: ``uvit import-weights``, ``uvit export-weights``.

An imported checkpoint holds EMA weights alone: those are what the paper's authors published. It can be sampled, scored,
profiled and exported, not trained further.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.header import Header
from bench.config import Process

if TYPE_CHECKING:
    from variants.config import ModelConfig

SUFFIXES = (".pth", ".pt", ".safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A checkpoint that was written, and what it is of."""

    path: Path
    variant: str
    process: str
    config: ModelConfig


def import_weights(
    file: Path,
    out: Path,
    *,
    num_heads: int | None = None,
    null_label: bool | None = None,
    context_tokens: int | None = None,
    process: str = "",
    autoencoder: str = "",
    scale: float = 0.0,
    step: int = 0,
) -> Imported:
    """Write a checkpoint with the weights of an official ``file`` into the folder ``out``, whole or not at all.

    What is None is told by the weights' shapes, or else by the paper's networks, as is an empty ``process``. Latents
    are decoded by ``autoencoder`` (empty: named when they are drawn) at their ``scale`` (0: the paper's).

    Raises FileNotFoundError, or ValueError in one line: for a file that is no such checkpoint or damaged, for a folder
    that already holds checkpoints, and for a network that no variant names.
    """
    from bench.checkpoints.writer import write_checkpoint
    from bench.files.hashing import sha256_of
    from variants import name_of, official

    _check_import(out, process, step)
    model = official.load(file, num_heads=num_heads, null_label=null_label, context_tokens=context_tokens)
    config: ModelConfig = model.config  # type: ignore[assignment]  # torch types attributes as tensors
    trained_with = process or papers_process(config)
    source = {"kind": "official", "file": file.name, "sha256": sha256_of(file)}
    header = Header(
        variant=name_of(config),
        model=config.identity(),
        train_id=source["sha256"][:16],
        step=step,
        imported=source,
        dataset=_encoding(config, autoencoder, scale),
        image_size=config.image_size,
        channels=config.channels,
        training={"process": trained_with},
        seed=0,
    )
    tensors = {f"ema.{name}": value for name, value in model.state_dict().items()}
    path = write_checkpoint(out, tensors, header)
    return Imported(path=path, variant=header.variant, process=trained_with, config=config)


def _check_import(out: Path, process: str, step: int) -> None:
    from bench.checkpoints.file import steps_on_disk
    from bench.diffusion import PROCESSES

    if step < 0:
        raise ValueError(f"--step: expected at least 0, got {step}")
    if process:
        PROCESSES.get(process)
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; give a folder")
    if steps_on_disk(out):
        raise ValueError(f"--out {out} already holds a checkpoint; give a new folder")


def export_weights(checkpoint: Path, out: Path, *, weights: str = "ema") -> tuple[Path, ModelConfig]:
    """Write a checkpoint's weights to ``out`` as the official code names them, whole or not at all.

    Raises FileNotFoundError, or ValueError in one line where the official code has no such network.
    """
    from bench.checkpoints.file import load_checkpoint, newest_checkpoint
    from bench.checkpoints.model import load_model
    from variants import official

    if out.suffix not in SUFFIXES or out.is_dir():
        raise ValueError(f"--out {out}: expected the name of a file ending in one of {', '.join(SUFFIXES)}")
    if weights not in ("ema", "raw"):
        raise ValueError(f"--weights: expected ema or raw, got {weights!r}")
    loaded = load_checkpoint(newest_checkpoint(checkpoint))
    if (predicts := loaded.header.prediction) != "eps":
        raise ValueError(
            f"{loaded.path}: its network predicts {predicts}, and the official code takes every output for the noise; "
            "only prediction=eps can be exported"
        )
    official.save(load_model(loaded, weights=weights), out)
    return out, loaded.header.config


def papers_process(config: ModelConfig) -> Process:
    """The process that the paper's network of this kind was trained with, which weights do not tell (docs/paper.md, 2).

    Stable Diffusion's for text-to-image and for U-ViT-H (four channels, no final convolution), else the continuous one.
    """
    huge = config.channels == 4 and config.num_classes > 0 and config.slot("conv_head") == "none"
    return "sd" if config.context_tokens or huge else "vp"


def untold(config: ModelConfig) -> dict[str, Any]:
    """The arguments of `variants.official.load` that ``config`` needs: those whose default would be another."""
    from variants.official.shapes import Told, defaults

    usual = defaults(config)
    return {name: value for name, value in Told.of(config).given().items() if getattr(usual, name) != value}


def _encoding(config: ModelConfig, autoencoder: str, scale: float) -> dict[str, Any]:
    """What the checkpoint says of its latents (`bench.latents.decoder.decoder_for`); nothing for pixels."""
    from bench.latents.autoencoder_weights import locate
    from bench.latents.decoder import papers_encoding

    if not 0 <= scale < float("inf"):
        raise ValueError(f"--scale: expected a number above 0 (0.18215 is Stable Diffusion's), got {scale}")
    encoding = papers_encoding(config.identity())
    if encoding is None:
        if autoencoder or scale:
            drawn = f"these weights draw {config.channels} channels"
            raise ValueError(f"--autoencoder, --scale: {drawn}, which are no latents")
        return {}
    if autoencoder:
        located = locate(autoencoder)
        channels = int(located.config.get("latent_channels", config.channels))
        if channels != config.channels:
            wanted = f"these weights draw {config.channels}"
            raise ValueError(f"--autoencoder {autoencoder} has latents of {channels} channels, {wanted}")
        encoding |= {"autoencoder": located.name, "encoder_sha256": located.encoder_sha256}
    return {"encoding": encoding | ({"scale": scale} if scale else {})}
