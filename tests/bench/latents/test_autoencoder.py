"""The autoencoder by path: the very class of diffusers, its halves' hashes, and one line for what cannot be loaded."""

import json
from pathlib import Path

import pytest
import torch

from bench.latents.autoencoder import load_autoencoder
from bench.latents.autoencoder_weights import PUBLISHED, STABLE_DIFFUSION, WEIGHTS, locate
from tests.bench.latents.tiny import save_autoencoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_autoencoder(tmp_path_factory.mktemp("autoencoder"))


def _images(count: int = 3, side: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_it_encodes_and_decodes_as_diffusers_does(folder: Path) -> None:
    from diffusers import AutoencoderKL

    ours, theirs = load_autoencoder(folder), AutoencoderKL.from_pretrained(folder).eval()
    assert (ours.image_channels, ours.latent_channels, ours.factor, ours.scaling_factor) == (3, 4, 2, 0.18215)
    with torch.inference_mode():
        posterior = theirs.encode(_images()).latent_dist
        moments = ours.encode(_images())
        assert moments.shape == (3, 8, 8, 8)
        assert torch.allclose(moments, torch.cat([posterior.mean, posterior.logvar], dim=1), atol=1e-6)
        assert torch.allclose(ours.decode(posterior.mean), theirs.decode(posterior.mean).sample, atol=1e-6)


def test_many_pixels_go_through_in_passes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = load_autoencoder(folder)
    whole = ours.encode(_images(5))
    monkeypatch.setattr("bench.latents.autoencoder.PIXELS_A_PASS", 2 * 16**2)
    sizes: list[int] = []
    ours.network.encoder.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    assert torch.allclose(ours.encode(_images(5)), whole, atol=1e-5)
    assert sizes == [2, 2, 1]


def test_a_file_a_folder_and_a_pipelines_folder_name_one_autoencoder(folder: Path, tmp_path: Path) -> None:
    save_autoencoder(tmp_path / "pipeline" / "vae")
    found = [locate(path) for path in (folder, folder / WEIGHTS, tmp_path / "pipeline")]
    assert len({(each.encoder_sha256, each.decoder_sha256) for each in found}) == 1


def test_decoders_of_one_encoder_share_its_hash_alone(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_autoencoder(tmp_path)
    state = load_file(tmp_path / WEIGHTS)
    state["decoder.conv_out.bias"] += 1
    save_file(state, tmp_path / WEIGHTS)
    first, second = locate(folder), locate(tmp_path)
    assert first.encoder_sha256 == second.encoder_sha256
    assert first.decoder_sha256 != second.decoder_sha256
    assert locate(save_autoencoder(tmp_path / "b", seed=1)).encoder_sha256 != first.encoder_sha256


def test_early_names_of_attention_are_the_same_weights(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_autoencoder(tmp_path)
    early = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for name, value in load_file(tmp_path / WEIGHTS).items():
        for new, old in early.items():
            name = name.replace(f".{new}.", f".{old}.")
        renamed[name] = value
    assert any(".proj_attn." in name for name in renamed)
    save_file(renamed, tmp_path / WEIGHTS)
    assert locate(tmp_path).decoder_sha256 == locate(folder).decoder_sha256
    assert torch.equal(load_autoencoder(tmp_path).encode(_images()), load_autoencoder(folder).encode(_images()))


def test_the_published_configuration_has_the_published_size() -> None:
    from diffusers import AutoencoderKL

    with torch.device("meta"):
        network = AutoencoderKL(**STABLE_DIFFUSION)
    assert sum(p.numel() for p in network.parameters()) == 83_653_863
    assert len(network.state_dict()) == 248


def test_a_published_name_that_cannot_be_had_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UVIT_CACHE", str(tmp_path))
    monkeypatch.setenv("UVIT_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"no weights sd-vae-ft-mse.*huggingface.*335 MB.*put it into") as told:
        load_autoencoder("sd-vae-ft-mse", allow_download=False)
    assert PUBLISHED["sd-vae-ft-mse"].sha256 in str(told.value)


def _cut(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])


def _other_kind(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"_class_name": "UNet2DModel"}))


def _wider(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"block_out_channels": [16, 16]}))


def _shifted(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"shift_factor": 0.1}))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / WEIGHTS).unlink(), "it lacks diffusion_pytorch_model.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), "the weights need it beside them"),
        (lambda folder: (folder / "config.json").write_text("{"), "no JSON table"),
        (lambda folder: (folder / WEIGHTS).write_text("nothing of the kind"), "no safetensors file"),
        (_cut, "cut short"),
        (_other_kind, "expected an AutoencoderKL"),
        (_wider, "no AutoencoderKL of the config.json beside it"),
        (_shifted, "only a scale is supported"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(tmp_path: Path, damage, told: str) -> None:  # type: ignore[no-untyped-def]
    save_autoencoder(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=told) as error:
        load_autoencoder(tmp_path)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no autoencoder at .*nowhere; expected a folder with config.json"):
        load_autoencoder(tmp_path / "nowhere")
