"""Laws on disk: what is loaded is what was saved, and nothing else is ever loaded."""

import io
import pickle
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

import joints
from smilebridge import discrete


@cache
def law():
    """A solved problem on a small grid."""
    return discrete.newton(discrete.Schrodinger.of(joints.quoted(*joints.known(3), half=0.02))).law


@cache
def saved():
    """Its bytes on disk."""
    stream = io.BytesIO()
    discrete.save(stream, law(), source="a test", day="2023-02-15", years=0.1)
    return stream.getvalue()


@pytest.fixture
def refusal(tmp_path):
    """The message with which these bytes are refused; it names the file."""

    def refused(content):
        (tmp_path / "some.npz").write_bytes(content)
        with pytest.raises(discrete.ArchiveError, match=r"some\.npz: ") as caught:
            discrete.load(tmp_path / "some.npz")
        return str(caught.value)

    return refused


def test_loaded_law_is_the_saved_one_to_the_last_bit(tmp_path):
    discrete.save(tmp_path / "law.npz", law())
    loaded = discrete.load(tmp_path / "law.npz")
    assert bool(jnp.array_equal(loaded.masses(), law().masses()))
    assert loaded.problem.full == law().problem.full
    assert float(loaded.entropy()["total"]) == float(law().entropy()["total"])


def test_header_says_whose_law_it_is(tmp_path):
    (tmp_path / "law.npz").write_bytes(saved())
    _, header = discrete.opened(tmp_path / "law.npz")
    assert (header.source, header.day, header.years) == ("a test", "2023-02-15", 0.1)
    assert len(header.inputs) == 64
    assert {"smilebridge", "jax", "numpy"} <= set(header.packages)


def test_inputs_hash_is_of_the_problem_alone(tmp_path):
    """Other weights on the same problem keep it, another problem changes it."""
    hashes = []
    other = discrete.Schrodinger.of(joints.quoted(*joints.known(3), half=0.03))
    for tried in (law(), discrete.Law(law().problem, 2 * law().a, law().delta), discrete.Law(other, law().a, law().delta)):
        discrete.save(tmp_path / "law.npz", tried)
        hashes.append(discrete.opened(tmp_path / "law.npz")[1].inputs)
    assert hashes[0] == hashes[1] != hashes[2]


def test_equal_laws_give_equal_bytes():
    stream = io.BytesIO()
    discrete.save(stream, law(), source="a test", day="2023-02-15", years=0.1)
    assert stream.getvalue() == saved()


def test_file_ends_in_the_sha256_of_the_rest():
    import hashlib

    assert saved()[-64:].decode() == hashlib.sha256(saved()[:-64]).hexdigest()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_cut_file_is_refused(refusal, share):
    refusal(saved()[: int(share * len(saved()))])


def test_longer_file_is_refused(refusal):
    assert "altered" in refusal(saved() + b"\n")


def test_every_altered_byte_is_noticed(refusal):
    for at in np.linspace(0, len(saved()) - 1, 60).astype(int):
        content = bytearray(saved())
        content[at] ^= 1
        refusal(bytes(content))


def test_foreign_npz_is_refused(refusal):
    stream = io.BytesIO()
    np.savez(stream, x=np.arange(3.0))
    assert "an npz file, but no law of smilebridge" in refusal(stream.getvalue())


def test_text_and_single_array_are_refused(refusal):
    stream = io.BytesIO()
    np.save(stream, np.arange(3.0))
    for content in (b"strike,bid\n", stream.getvalue()):
        assert "no law of smilebridge" in refusal(content)


def test_pickle_is_refused_and_not_run(refusal, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("boom").touch, ())

    refusal(pickle.dumps(Bomb()))
    stream = io.BytesIO()
    np.savez(stream, header=np.array([Bomb()], dtype=object), allow_pickle=True)
    refusal(stream.getvalue())
    assert not (tmp_path / "boom").exists()


def test_other_edition_is_refused_by_name(refusal, monkeypatch):
    from smilebridge.discrete import archive

    stream = io.BytesIO()
    with monkeypatch.context() as later:
        later.setattr(archive, "EDITION", 99)
        discrete.save(stream, law())
    assert f"edition 99 of 'smilebridge law'; read here is edition {archive.EDITION}" in refusal(stream.getvalue())


def test_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        discrete.load(tmp_path / "none.npz")
