import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.fid import frechet_distance, kernel_distance, metric_name, precision_recall, reference_for, score_images
from bench.fid.extractor import extract
from results.metrics import describe
from tests.bench.fid.conftest import pictures, split

TRAIN, HELD_OUT = split(90), split(30, seed=1, name="toy:held_out")
RULE_5 = {
    "count", "extractor", "weights_sha256", "resize", "reference", "reference_count", "reference_hash", "libraries",
    "floor", "floor_reason", "kind",
}  # fmt: skip


def reference(narrow, tmp_path, images=TRAIN, **options):
    return reference_for(
        images, name="toy:train", fingerprint="f" * 64, extractor=narrow, cache_dir=tmp_path, **options
    )


def features(narrow, images):
    return np.concatenate([*extract(narrow, images)])


# -- references -------------------------------------------------------------------------------------------------------


def test_a_reference_holds_the_statistics_and_features_of_all_images(narrow, tmp_path):
    found = reference(narrow, tmp_path)
    rows = features(narrow, TRAIN.images)
    assert found.count == 90 and found.name == "toy:train" and len(found.hash) == 64
    np.testing.assert_array_equal(found.features, rows)
    assert found.features.dtype == np.float32 and isinstance(found.features, np.memmap)
    np.testing.assert_allclose(found.mean, rows.astype(np.float64).mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.cov, np.cov(rows.astype(np.float64), rowvar=False), rtol=1e-8, atol=1e-12)
    assert found.mean.dtype == found.cov.dtype == np.float64


def test_a_second_call_extracts_nothing(counted, tmp_path):
    narrow, seen = counted
    first = reference(narrow, tmp_path)
    assert sum(seen) == 90
    second = reference(narrow, tmp_path)
    assert sum(seen) == 90
    assert first.hash == second.hash and first.folder == second.folder
    np.testing.assert_array_equal(first.cov, second.cov)
    assert [p.name for p in (tmp_path / "references").iterdir()] == [first.hash[:16]]


def test_a_smaller_reference_is_a_fixed_draw_and_part_of_a_larger_one(counted, tmp_path):
    narrow, seen = counted
    small, large = reference(narrow, tmp_path, count=20), reference(narrow, tmp_path, count=50)
    assert sum(seen) == 70 and small.count == 20 and small.hash != large.hash
    everything = features(narrow, TRAIN.images)

    def rows(found):
        distances = np.abs(everything[None] - np.asarray(found.features)[:, None]).max(axis=2)
        return set(distances.argmin(axis=1).tolist())

    assert len(rows(small)) == 20 and rows(small) < rows(large)
    assert rows(small) != set(range(20))


def test_asking_for_all_by_number_is_asking_for_all(counted, tmp_path):
    narrow, seen = counted
    assert reference(narrow, tmp_path).hash == reference(narrow, tmp_path, count=90).hash
    assert sum(seen) == 90


def test_the_hash_is_of_the_content_and_the_extractor(narrow, tmp_path):
    hashes = {
        reference(narrow, tmp_path, count=9).hash,
        reference(narrow, tmp_path, count=10).hash,
        reference(narrow, tmp_path, images=split(90, seed=5), count=9).hash,
        reference(replace(narrow, card=narrow.card | {"weights_sha256": "0" * 64}), tmp_path, count=9).hash,
        reference(replace(narrow, card=narrow.card | {"card_version": 99}), tmp_path, count=9).hash,
        reference_for(TRAIN, name="x", fingerprint="e" * 64, extractor=narrow, cache_dir=tmp_path, count=9).hash,
    }
    assert len(hashes) == 6
    renamed = reference_for(TRAIN, name="a/path", fingerprint="f" * 64, extractor=narrow, cache_dir=tmp_path, count=9)
    assert renamed.hash in hashes and renamed.name == "a/path"


@pytest.mark.parametrize("file", ["meta.json", "statistics.npz", "features.npy"])
@pytest.mark.parametrize("harm", ["remove", "truncate", "flip"])
def test_a_damaged_reference_is_computed_again(counted, tmp_path, file, harm):
    narrow, seen = counted
    before = reference(narrow, tmp_path, count=10)
    mean, path = before.mean.copy(), before.folder / file
    content = bytearray(path.read_bytes())
    if harm == "remove":
        path.unlink()
    elif harm == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    after = reference(narrow, tmp_path, count=10)
    if (file, harm) != ("meta.json", "flip"):  # a letter of the card or the name may change without harm
        assert sum(seen) == 20
    np.testing.assert_allclose(after.mean, mean, rtol=1e-6)
    assert len([*(tmp_path / "references").iterdir()]) == 1


def test_a_reference_that_breaks_off_leaves_nothing(narrow, tmp_path):
    def broken(images):
        raise MemoryError

    with pytest.raises(MemoryError):
        reference(replace(narrow, network=broken), tmp_path)
    assert [*(tmp_path / "references").iterdir()] == []


def test_the_reference_of_a_quicker_process_stays_with_what_lies_beside_it(narrow, tmp_path):
    theirs = []

    def overtaken(images):
        if not theirs:
            theirs.append(reference(narrow, tmp_path, count=10))
            theirs[0].kernel_self_term()
        return narrow.network(images)

    reference(replace(narrow, network=overtaken), tmp_path, count=10)
    assert [*(tmp_path / "references").iterdir()] == [theirs[0].folder]
    assert (theirs[0].folder / "kernel.json").exists()


@pytest.mark.parametrize("count", [-1, 1, 91])
def test_impossible_counts_are_refused(narrow, tmp_path, count):
    with pytest.raises(ValueError, match="toy:train has 90"):
        reference(narrow, tmp_path, count=count)
    assert not tmp_path.joinpath("references").exists()


def test_the_kernel_s_self_term_is_kept(narrow, tmp_path):
    found = reference(narrow, tmp_path, count=30)
    value = found.kernel_self_term()
    assert json.loads((found.folder / "kernel.json").read_text()) == {"self_term": value}
    (found.folder / "kernel.json").write_text('{"self_term": 7.0}')
    assert found.kernel_self_term() == 7.0
    (found.folder / "kernel.json").write_text("{")
    assert found.kernel_self_term() == value


# -- scores -----------------------------------------------------------------------------------------------------------


def test_scores_are_the_metrics_of_the_features(narrow, tmp_path):
    ref, images = reference(narrow, tmp_path), pictures(25, seed=7)
    scores = {s.metric: s.value for s in score_images(images, reference=ref, extractor=narrow, held_out=HELD_OUT)}
    rows = features(narrow, images).astype(np.float64)
    expected = frechet_distance(rows.mean(0), np.cov(rows, rowvar=False), ref.mean, ref.cov)
    assert scores.keys() == {"fd_effnet_lite0_25", "kd_effnet_lite0_25", "precision_25_k3", "recall_25_k3"}
    assert scores["fd_effnet_lite0_25"] == pytest.approx(expected, rel=1e-6)
    assert scores["kd_effnet_lite0_25"] == pytest.approx(kernel_distance(rows, ref.features), rel=1e-6)
    found = precision_recall(rows, ref.features)
    assert (scores["precision_25_k3"], scores["recall_25_k3"]) == (found.precision, found.recall)
    assert all(describe(name) for name in scores)


@pytest.mark.parametrize("count", [30, 40, 41, 70])
def test_few_and_many_images_take_other_routes_to_the_same_distance(narrow, tmp_path, count):
    ref, images = reference(narrow, tmp_path), pictures(count, seed=3)
    (score,) = score_images(images, reference=ref, extractor=narrow, metrics=["frechet"])
    rows = features(narrow, images).astype(np.float64)
    expected = frechet_distance(rows.mean(0), np.cov(rows, rowvar=False), ref.mean, ref.cov)
    assert score.value == pytest.approx(expected, rel=1e-7)


def test_scores_worsen_with_noise(extractor, tmp_path):
    """On all 1,280 features, as used."""
    ref, rng = (
        reference_for(TRAIN, name="t", fingerprint="f" * 64, extractor=extractor, cache_dir=tmp_path),
        np.random.default_rng(0),
    )
    real, noise = pictures(40, seed=9).astype(float), rng.standard_normal((40, 3, 16, 16))

    def score(sd):
        images = (real + sd * noise).clip(0, 255).astype(np.uint8)
        return {s.metric.split("_")[0]: s.value for s in score_images(images, reference=ref, extractor=extractor)}

    worse = [score(sd) for sd in (0, 5, 15, 40)]
    for metric in ("fd", "kd"):
        values = [w[metric] for w in worse]
        assert values == sorted(values) and values[-1] > 2 * values[0]
    assert worse[-1]["recall"] < worse[0]["recall"]


def test_tensors_and_arrays_score_alike_and_nothing_is_changed(narrow, tmp_path):
    ref, images = reference(narrow, tmp_path), pictures(20, seed=2)
    a = score_images(images, reference=ref, extractor=narrow)
    b = score_images(torch.from_numpy(images.copy()), reference=ref, extractor=narrow)
    assert [s.value for s in a] == [s.value for s in b]
    np.testing.assert_array_equal(images, pictures(20, seed=2))


def test_cards_have_every_field_of_rule_5_and_are_json(narrow, tmp_path):
    ref = reference(narrow, tmp_path)
    for score in score_images(pictures(25), reference=ref, extractor=narrow, held_out=HELD_OUT, seed=4):
        assert score.card.keys() >= RULE_5
        assert json.loads(json.dumps(score.card)) == score.card
        assert score.card["count"] == 25 and score.card["reference"] == "toy:train"
        assert score.card["reference_hash"] == ref.hash and score.card["reference_count"] == 90
        assert math.isfinite(score.card["floor"]) and score.card["floor_reason"] is None
        if score.card["kind"] == "precision_recall":
            assert (score.card["subset"], score.card["subset_seed"], score.card["k"]) == (25, 4, 3)


def test_floors_are_scores_of_as_many_held_out_images(narrow, tmp_path):
    """Asking for as many as there are leaves no draw: the floor is the score of all held-out images."""
    ref = reference(narrow, tmp_path)
    scores = score_images(pictures(30, seed=8), reference=ref, extractor=narrow, held_out=HELD_OUT)
    real = {s.metric: s.value for s in score_images(HELD_OUT.images, reference=ref, extractor=narrow)}
    assert {s.metric: s.card["floor"] for s in scores} == pytest.approx(real, rel=1e-6)


def test_floors_are_kept_by_count_and_completed_by_metric(counted, tmp_path):
    narrow, seen = counted
    ref = reference(narrow, tmp_path)

    def extracted(count, metrics):
        before = sum(seen)
        scores = score_images(pictures(count), reference=ref, extractor=narrow, held_out=HELD_OUT, metrics=metrics)
        assert all(s.card["floor"] is not None for s in scores)
        return sum(seen) - before - count

    assert extracted(20, ["frechet"]) == 20
    assert extracted(20, ["frechet"]) == 0
    assert extracted(20, ["frechet", "kernel"]) == 20  # the kernel's was missing
    assert extracted(20, ["kernel"]) == 0
    assert extracted(30, ["frechet"]) == 30
    path = next((ref.folder / "floors").iterdir())
    path.write_text("[damaged")
    assert extracted(int(path.stem.split("-")[1]), ["frechet"]) > 0


def test_where_too_few_are_held_out_the_card_says_so(narrow, tmp_path):
    ref = reference(narrow, tmp_path)
    (few,) = score_images(pictures(31), reference=ref, extractor=narrow, held_out=HELD_OUT, metrics=["frechet"])
    assert few.card["floor"] is None and few.card["floor_reason"] == "n/a: 30 images held out, 31 needed"
    (none,) = score_images(pictures(5), reference=ref, extractor=narrow, metrics=["frechet"])
    assert none.card["floor"] is None and "holds no images out" in none.card["floor_reason"]


def test_a_cache_that_cannot_be_written_costs_time_not_the_score(narrow, tmp_path):
    ref = reference(narrow, tmp_path)
    (ref.folder / "floors").write_text("a file where the folder should be")
    (score,) = score_images(pictures(5), reference=ref, extractor=narrow, held_out=HELD_OUT, metrics=["frechet"])
    assert score.card["floor"] > 0


def test_one_channel_is_scored(narrow, tmp_path):
    grey = split(30, channels=1)
    ref = reference(narrow, tmp_path, images=grey)
    (score,) = score_images(grey.images, reference=ref, extractor=narrow, metrics=["frechet"])
    assert score.value == pytest.approx(0, abs=1e-6)


def test_progress_counts_images(narrow, tmp_path):
    done = []
    score_images(
        pictures(70),
        reference=reference(narrow, tmp_path),
        extractor=narrow,
        metrics=["frechet"],
        progress=done.append,
    )
    assert done == [32, 64, 70]


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (pictures(1), {}, "at least two images, got 1"),
        (pictures(5), {"metrics": ["frechte"]}, "did you mean 'frechet'"),
        (pictures(5), {"metrics": []}, "at least one metric"),
        (pictures(3), {"metrics": ["precision_recall"]}, "at least 4 images"),
        (pictures(5).astype(np.float32), {}, "uint8 images"),
    ],
)
def test_what_cannot_be_scored_is_refused(narrow, tmp_path, images, options, message):
    with pytest.raises(ValueError, match=message):
        score_images(images, reference=reference(narrow, tmp_path), extractor=narrow, **options)


def test_a_reference_of_other_weights_is_refused(narrow, tmp_path):
    other = replace(narrow, card=narrow.card | {"weights_sha256": "0" * 64})
    with pytest.raises(ValueError, match="make one with this extractor"):
        score_images(pictures(5), reference=reference(narrow, tmp_path), extractor=other)


def test_features_that_are_not_finite_are_refused(narrow, tmp_path):
    broken = replace(narrow, network=lambda images: narrow.network(images) * float("nan"))
    for metric in ("frechet", "kernel", "precision_recall"):
        with pytest.raises(ValueError, match="not finite"):
            score_images(pictures(5), reference=reference(narrow, tmp_path), extractor=broken, metrics=[metric])


def test_only_inception_is_called_fid(inception_file, tmp_path):
    from bench.fid import load_extractor

    inception = load_extractor("inception", weights=inception_file)
    ref = reference(inception, tmp_path, images=split(4))
    scores = score_images(pictures(4), reference=ref, extractor=inception)
    assert [s.metric for s in scores] == ["fid_4", "kid_4", "precision_4_k3", "recall_4_k3"]
    assert metric_name("frechet", "inception", 4) == "fid_4"
