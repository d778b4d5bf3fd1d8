"""Official checkpoints draw latents, and their files name no autoencoder: what is asked of the user, and the scales."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cli
from bench.checkpoints.header import Header
from bench.latents.autoencoder import load_autoencoder
from bench.latents.decoder import VARIABLE
from bench.trained.drawing import Drawing, decoder_in
from bench.trained.prompts import text_in
from tests.bench.checkpoints.headers import header
from tests.bench.latents.tiny import save_autoencoder, save_text_encoder
from tests.variants.official_network import shapes, state_dict


def _header(**network: Any) -> Header:
    return header(model={"channels": 4, "image_size": 8, **network}, imported={"kind": "official"})


@pytest.mark.parametrize(("network", "scale"), [({"num_classes": 1000}, 0.18215), ({"context_tokens": 77}, 0.2301)])
def test_latents_are_unscaled_as_in_the_paper(autoencoder: Path, network: dict[str, int], scale: float) -> None:
    decoder, latents = decoder_in(_header(**network), "cpu", autoencoder), torch.randn(2, 4, 8, 8)
    assert decoder is not None
    assert torch.equal(decoder(latents), load_autoencoder(autoencoder).decode(latents / scale))


def test_the_user_names_the_autoencoder(autoencoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="draws latents, to be decoded: give --autoencoder PATH"):
        decoder_in(_header(), "cpu")
    other = save_autoencoder(tmp_path, latent_channels=8)
    with pytest.raises(ValueError, match="decodes latents of 8 channels, not of 4"):
        decoder_in(_header(), "cpu", other)
    monkeypatch.setenv(VARIABLE, str(autoencoder))
    assert decoder_in(_header(), "cpu") is not None
    assert decoder_in(_header(channels=3), "cpu") is None, "pixels"


def test_a_checkpoint_of_pixels_takes_no_autoencoder(autoencoder: Path) -> None:
    pixels = header(dataset={"name": "photos"})
    assert decoder_in(pixels, "cpu") is None
    with pytest.raises(ValueError, match="draws pixels, not latents; leave it out"):
        decoder_in(pixels, "cpu", autoencoder)


def test_the_user_names_the_text_encoder(tmp_path: Path) -> None:
    clip = save_text_encoder(tmp_path)
    network = _header(context_tokens=8, context_dim=16)
    asked = Drawing(count=1, sampler="dpm_solver", prompts=("a",), guidance=1.0, batch=1)
    told = replace(asked, text_encoder=clip)
    with pytest.raises(ValueError, match="names no text encoder; give --text-encoder PATH"):
        text_in(network, asked, device="cpu")
    assert text_in(network, told, device="cpu").has_null
    with pytest.raises(ValueError, match="gives 8 tokens of 16 features; the checkpoint takes 77 of 768"):
        text_in(_header(context_tokens=77, context_dim=768), told, device="cpu")


def test_an_official_text_to_image_file_draws_prompts(
    autoencoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = save_text_encoder(tmp_path / "clip")
    weights = state_dict(shapes(img_size=8, in_chans=4, depth=2, clip_dim=16, num_clip_token=8))
    torch.save(weights, tmp_path / "mscoco.pth")
    new = str(tmp_path / "new")
    assert cli.main(["import-weights", str(tmp_path / "mscoco.pth"), "--out", new, "--context-tokens", "8"]) == 0
    draw = ["sample", new, "--count", "2", "--nfe", "3", "--sampler", "dpm_solver_pp", "--device", "cpu"]
    ask = ["--prompt", "a cat", "--guidance", "1", "--text-encoder", str(clip), "--out", str(tmp_path / "x.npz")]
    assert cli.main([*draw, *ask, "--autoencoder", str(autoencoder)]) == 0
    with np.load(tmp_path / "x.npz") as drawn:
        assert drawn["images"].shape == (2, 16, 16, 3)
    capsys.readouterr()
    assert cli.main([*draw, *ask]) == 2
    assert "give --autoencoder PATH" in capsys.readouterr().err
