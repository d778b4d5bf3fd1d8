"""``uvit import-weights`` and ``export-weights``: a checkpoint that commands take, and back; or one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cli
import variants
from bench.checkpoints.file import load_checkpoint
from bench.checkpoints.model import load_model
from bench.checkpoints.official import papers_process
from bench.checkpoints.writer import write_checkpoint
from tests.bench.checkpoints.headers import header
from tests.bench.latents.tiny import save_autoencoder
from tests.variants.official_network import shapes, state_dict

GUIDED = shapes(num_classes=1001, patch_size=4, depth=2)  # of 16 pixels, 64 wide in 1 head, 3 blocks


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``weights.pth`` (guided), its checkpoint in ``new``, and 32 images in ``real.npz``."""
    folder = tmp_path_factory.mktemp("official")
    torch.save({"nnet_ema": state_dict(GUIDED)}, folder / "weights.pth")
    assert cli.main(["import-weights", str(folder / "weights.pth"), "--out", str(folder / "new")]) == 0
    images = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "real.npz", images=images)
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """What a command that is refused says, in one line."""
    assert cli.main([str(each) for each in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_the_checkpoint_holds_the_weights_and_says_what_they_are(imported: Path) -> None:
    checkpoint = load_checkpoint(imported / "new" / "step-00000000.safetensors")
    header = checkpoint.header
    assert (header.variant, header.image_size, header.channels) == ("uvit-s/4+depth=3+width=64", 16, 3)
    assert header.training == {"process": "vp"}
    assert header.imported is not None and header.imported["file"] == "weights.pth"
    assert (header.config.num_classes, header.config.null_label) == (1000, True)
    back = variants.official.to_official(load_model(checkpoint))
    wanted = state_dict(GUIDED)
    assert all(torch.equal(back[name], wanted[name]) for name in wanted)
    assert sorted(path.suffix for path in (imported / "new").iterdir()) == [".safetensors", ".sha256"]


def test_sample_takes_it(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, new = imported / "drawn.npz", imported / "new"
    draw = ["sample", str(new), "--count", "2", "--nfe", "3", "--label", "7", "--guidance", "0.4"]
    assert cli.main([*draw, "--out", str(out)]) == 0
    with np.load(out) as drawn:
        assert drawn["images"].shape == (2, 16, 16, 3)
    capsys.readouterr()
    assert "holds no raw weights; add --weights ema" in refused(capsys, *draw, "--weights", "raw", "--out", out)


def test_score_takes_it(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    score = ["score", str(imported / "new"), str(imported / "real.npz")]
    told = ["--count", "16", "--nfe", "3", "--guidance", "0.4", "--seed", "2"]
    assert cli.main([*score, *told, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["scores"][0]
    assert first["metric"] == "fd_effnet_lite0_16" and first["value"] > 0
    card = first["card"]
    assert (card["sampler"], card["nfe"], card["guidance"], card["seed"]) == ("dpm_solver", 3, 1.4, 2)
    assert (card["variant"], card["step"], card["weights"]) == ("uvit-s/4+depth=3+width=64", 0, "ema")
    assert card["images"] == "uvit-s/4+depth=3+width=64:step-00000000"
    real = str(imported / "real.npz")
    assert "--nfe is for drawing from a checkpoint" in refused(capsys, "score", real, real, "--nfe", "3")
    assert "--count" in refused(capsys, *score, "--count", "-3")


def test_profile_takes_it_beside_variants(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = ["profile", str(imported / "new"), "--mode", "count", "--out", str(imported / "profile"), "--json"]
    assert cli.main(count) == 0
    [record] = json.loads(capsys.readouterr().out)
    assert record["counts"]["params"] == sum(value.numel() for value in state_dict(GUIDED).values())
    assert (record["network"]["num_classes"], record["network"]["image_size"]) == (1000, 16)
    assert cli.main([*count, "uvit-micro/4", "--image-size", "8", "--channels", "3"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert sorted(each["network"]["image_size"] for each in records) == [8, 16]


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_export_goes_back(suffix: str, imported: Path) -> None:
    out = imported / "back" / f"weights.{suffix}"
    assert cli.main(["export-weights", str(imported / "new"), "--out", str(out)]) == 0
    again = variants.official.to_official(variants.official.load(out))
    wanted = state_dict(GUIDED)
    assert all(torch.equal(again[name], wanted[name]) for name in wanted)


def test_export_says_what_shapes_do_not_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, new = tmp_path / "text.pth", tmp_path / "new"
    torch.save(state_dict(shapes(clip_dim=6, num_clip_token=5, embed_dim=96)), file)
    told = ["--num-heads", "3", "--context-tokens", "5", "--step", "7"]
    assert cli.main(["import-weights", str(file), "--out", str(new), *told]) == 0
    out = capsys.readouterr().out
    assert "5 context tokens, 3 heads, process sd" in out and "step-00000007.safetensors" in out
    assert cli.main(["export-weights", str(new), "--out", str(tmp_path / "text2.pth")]) == 0
    assert "(load it with num_heads=3, context_tokens=5)" in capsys.readouterr().out


def test_latents_are_decoded(imported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("diffusers")
    file, plain, named = tmp_path / "huge.pth", tmp_path / "plain", tmp_path / "named"
    torch.save(state_dict(shapes(num_classes=5, in_chans=4, conv=False, depth=2)), file)
    first, second = (save_autoencoder(tmp_path / f"vae{seed}", seed=seed) for seed in (0, 1))
    other = save_autoencoder(tmp_path / "wide", latent_channels=6)
    assert cli.main(["import-weights", str(file), "--out", str(plain)]) == 0
    assert cli.main(["import-weights", str(file), "--out", str(named), "--autoencoder", str(first)]) == 0
    encoding = load_checkpoint(plain / "step-00000000.safetensors").header.dataset["encoding"]
    assert (encoding["scale"], encoding["autoencoder"]) == (0.18215, "")

    def draw(folder: Path, *more: str) -> np.ndarray:
        out = tmp_path / "drawn.npz"
        told = ["--count", "2", "--nfe", "3", "--sampler", "dpm_solver_pp", *more, "--out", str(out)]
        assert cli.main(["sample", str(folder), *told]) == 0
        with np.load(out) as drawn:
            return drawn["images"]

    images = draw(plain, "--autoencoder", str(first))
    assert images.shape == (2, 32, 32, 3)  # latents of 16 places, an autoencoder of factor 2
    assert np.array_equal(images, draw(named))
    assert not np.array_equal(images, draw(plain, "--autoencoder", str(second)))
    capsys.readouterr()
    score = ["score", str(named), str(imported / "real.npz"), "--count", "16", "--nfe", "2", "--json"]
    assert cli.main(score) == 0
    card = json.loads(capsys.readouterr().out)["scores"][0]["card"]
    assert (len(card["decoder_sha256"]), card["latent_scale"], card["process"]) == (64, 0.18215, "sd")
    sample = ["sample", str(plain), "--out", str(tmp_path / "x.npz"), "--count", "2"]
    assert "draws latents, to be decoded: give --autoencoder PATH" in refused(capsys, *sample)
    new = ["--out", tmp_path / "new"]
    assert "latents of 6 channels" in refused(capsys, "import-weights", file, *new, "--autoencoder", other)
    assert "no autoencoder at" in refused(capsys, "import-weights", file, *new, "--autoencoder", "nowhere")
    assert "--scale: expected a number above 0" in refused(capsys, "import-weights", file, *new, "--scale", "-1")


def test_wrong_requests_leave_nothing(imported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, out = imported / "weights.pth", tmp_path / "new"
    cut, other = tmp_path / "cut.pth", tmp_path / "other.pth"
    cut.write_bytes(whole.read_bytes()[:5000])
    torch.save({"conv.weight": torch.zeros(3)}, other)
    before = sorted(path.name for path in tmp_path.iterdir())
    for arguments, reason in [
        ([tmp_path / "none.pth"], "no file"),
        ([cut], "cannot be read as tensors alone"),
        ([other], "not the weights of a baofff/U-ViT network"),
        ([whole, "--num-heads", "5"], "width 64 does not divide into 5 heads"),
        ([whole, "--context-tokens", "77"], "take no context"),
        ([whole, "--process", "vpp"], "did you mean 'vp'"),
        ([whole, "--step", "-1"], "--step: expected at least 0"),
        ([whole, "--autoencoder", "sd-vae-ft-mse"], "these weights draw 3 channels, which are no latents"),
    ]:
        assert reason in refused(capsys, "import-weights", *arguments, "--out", out)
    assert "is a file" in refused(capsys, "import-weights", whole, "--out", cut)
    new = imported / "new"
    assert "already holds a checkpoint" in refused(capsys, "import-weights", whole, "--out", new)
    assert "expected the name of a file" in refused(capsys, "export-weights", new, "--out", out)
    assert "expected ema or raw" in refused(
        capsys, "export-weights", new, "--out", tmp_path / "x.pth", "--weights", "x"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("variant", "data", "process"),
    [
        ("uvit-s/2", {"image_size": 32, "channels": 3}, "vp"),
        ("uvit-l/2", {"image_size": 32, "channels": 4, "num_classes": 1000, "null_label": True}, "vp"),
        ("uvit-h/2", {"image_size": 32, "channels": 4, "num_classes": 1000, "null_label": True}, "sd"),
        ("uvit-s-deep/2", {"image_size": 32, "channels": 4, "context_tokens": 77, "context_dim": 768}, "sd"),
    ],
)
def test_the_papers_processes(variant: str, data: dict[str, Any], process: str) -> None:
    assert papers_process(variants.resolve(variant, **data)) == process


def test_a_description_of_another_network_is_refused() -> None:
    identity = variants.resolve("uvit-s/2+skip=add", image_size=32, channels=3).identity()
    assert variants.ModelConfig.from_identity(identity).identity() == identity
    unet = variants.resolve("unet-cifar10", image_size=32, channels=3)
    assert variants.ModelConfig.from_identity(json.loads(json.dumps(unet.identity()))) == unet
    with pytest.raises(ValueError, match="made by a newer uvit"):
        variants.ModelConfig.from_identity(identity | {"colour": "red"})


def test_what_predicts_no_noise_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = variants.create_model("uvit-micro/4", image_size=16, channels=3)
    said = header(step=1, training={"prediction": "v"})
    write_checkpoint(tmp_path / "new", {f"ema.{name}": value for name, value in model.state_dict().items()}, said)
    message = refused(capsys, "export-weights", tmp_path / "new", "--out", tmp_path / "x.pth")
    assert "its network predicts v" in message and not (tmp_path / "x.pth").exists()
