"""Official checkpoints draw latents, and their files name no autoencoder: what is asked of the user, and the scales."""

from pathlib import Path
from typing import Any

import pytest
import torch

from bench.draw import decoder_in
from bench.latents.autoencoder import load_autoencoder
from bench.latents.decoding import VARIABLE
from bench.prompts import text_in
from tests.bench.latents.tiny import save_autoencoder, save_text_encoder


def _header(**network: Any) -> dict[str, Any]:
    model = {"channels": 4, "image_size": 8, **network}
    return {"variant": "uvit-s/2", "model": model, "imported": {"kind": "official"}, "dataset": {}}


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


def test_the_user_names_the_text_encoder(tmp_path: Path) -> None:
    clip = save_text_encoder(tmp_path)
    ask: dict[str, Any] = {"prompts": ["a"], "guidance": 1.0, "device": "cpu"}
    header = _header(context_tokens=8, context_dim=16)
    with pytest.raises(ValueError, match="names no text encoder; give --text-encoder PATH"):
        text_in(header, text_encoder=None, **ask)
    assert text_in(header, text_encoder=clip, **ask).has_null
    with pytest.raises(ValueError, match="gives 8 tokens of 16 features; the checkpoint takes 77 of 768"):
        text_in(_header(context_tokens=77, context_dim=768), text_encoder=clip, **ask)
