"""Reading CTranslate2's model.bin: files its own writer made, and files made to be wrong."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recognition.small_whisper import CONTROL, VOCABULARY, WIDTH, small_whisper
from tests.whisper_base import whisper_base_folder
from workers.recognition.converted import ConvertedModel, UnreadableModel, read_model
from workers.recognition.decoder_graph import size_of
from workers.recognition.greedy import GreedyDecoder

TYPES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
BFLOAT16 = 5


def string(text):
    return struct.pack("<H", len(text.encode()) + 1) + text.encode() + b"\0"


def tensor(name, array, *, kind=None):
    code = TYPES[array.dtype.name] if kind is None else kind
    head = string(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
    return head + struct.pack("<BI", code, array.nbytes) + array.tobytes()


def model_bin(*tensors, aliases=(), version=6, specification="WhisperSpec"):
    parts = [struct.pack("<I", version), string(specification), struct.pack("<I", 3)]
    parts += [struct.pack("<I", len(tensors)), *tensors, struct.pack("<I", len(aliases))]
    return b"".join(parts + [string(alias) + string(name) for alias, name in aliases])


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("converted") / "model.bin"

    def write_and_read(content):
        path.unlink(missing_ok=True)  # an earlier one may still be mapped
        path.write_bytes(content)
        return read_model(path)

    return write_and_read


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_read_as_it_was_stored(read, kind):
    stored = np.arange(-6, 6).reshape(2, 3, 2).astype(kind)

    model = read(model_bin(tensor("a", stored), tensor("after it", np.float32([7]))))

    assert model.specification == "WhisperSpec"
    assert model.tensors["a"].dtype == stored.dtype
    np.testing.assert_array_equal(model.tensors["a"], stored)
    np.testing.assert_array_equal(model.weights("a", 2, 3, 2), stored.astype(np.float32))
    np.testing.assert_array_equal(model.tensors["after it"], [7])


def test_eight_bits_are_multiplied_out_by_row_and_sixteen_as_a_whole(read):
    rows = np.array([[127, -64], [1, 2]], np.int8)
    model = read(
        model_bin(
            tensor("rows", rows),
            tensor("rows_scale", np.float32([127, 0.5])),
            tensor("whole", rows.astype(np.int16)),
            tensor("whole_scale", np.array(4, np.float32)),
        )
    )

    np.testing.assert_allclose(model.weights("rows", 2, 2), [[1, -64 / 127], [2, 4]])
    np.testing.assert_allclose(model.weights("whole", 2, 2), rows / 4)


def test_an_alias_is_the_tensor_it_names_with_its_scale(read):
    model = read(
        model_bin(
            tensor("a", np.int8([[2], [4]])),
            tensor("a_scale", np.float32([2, 4])),
            aliases=[("b", "a")],
        )
    )

    assert model.tensors["b"] is model.tensors["a"]
    np.testing.assert_array_equal(model.weights("b", 2, 1), [[1], [1]])


def test_weights_may_be_changed_without_changing_the_file(read):
    model = read(model_bin(tensor("a", np.float32([1, 2]))))

    model.weights("a", 2)[:] = 9

    np.testing.assert_array_equal(model.weights("a", 2), [1, 2])
    assert not model.tensors["a"].flags.writeable


@pytest.mark.parametrize(
    ("name", "shape"), [("absent", (2,)), ("a", (3,)), ("a", (1, 2)), ("a", ()), ("bad", (2,))]
)
def test_weights_that_are_not_there_or_of_another_shape_are_refused(read, name, shape):
    model = read(
        model_bin(
            tensor("a", np.float32([1, 2])),
            tensor("bad", np.int8([1, 2])),
            tensor("bad_scale", np.float32([1, 2, 3])),
        )
    )

    with pytest.raises(UnreadableModel, match=name):
        model.weights(name, *shape)


def test_a_scale_of_zero_is_refused(read):
    model = read(model_bin(tensor("a", np.int8([[1]])), tensor("a_scale", np.float32([0]))))

    with pytest.raises(UnreadableModel, match="scale"):
        model.weights("a", 1, 1)


def test_a_setting_is_one_number_or_absent(read):
    model = read(model_bin(tensor("heads", np.array(8, np.int16)), tensor("two", np.int8([1, 2]))))

    assert model.setting("heads") == 8
    assert model.setting("absent") is None
    with pytest.raises(UnreadableModel, match="two"):
        model.setting("two")


WHOLE = model_bin(
    tensor("a", np.float16([[1, 2], [3, 4]])), tensor("b", np.int8([1])), aliases=[("c", "a")]
)


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_file_cut_short_anywhere_is_refused(read, length):
    with pytest.raises(UnreadableModel):
        read(WHOLE[:length])


@given(st.binary(max_size=300), st.booleans())
def test_no_file_at_all_raises_anything_else(read, content, begins_well):
    try:
        model = read(WHOLE[:18] + content if begins_well else content)
    except UnreadableModel:
        return
    assert isinstance(model, ConvertedModel)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_file_with_a_wrong_byte_is_read_or_refused(read, place, value):
    try:
        model = read(WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :])
    except UnreadableModel:
        return
    assert isinstance(model, ConvertedModel)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (model_bin(version=5), "version 5"),
        (model_bin(tensor("a", np.int16([1]), kind=BFLOAT16)), "type"),
        (model_bin(tensor("a", np.int16([1]), kind=200)), "type"),
        (model_bin(tensor("a", np.float32([1])).replace(b"\1\1\0\0\0", b"\1\2\0\0\0")), "damaged"),
        (model_bin(aliases=[("a", "nothing")]), "damaged"),
        (b"", "empty"),
        (b"\x80\x02}q\x00", "version"),
    ],
    ids=["version", "bfloat16", "type", "shape", "alias of nothing", "empty", "another format"],
)
def test_what_is_no_model_known_here_is_refused(read, content, why):
    with pytest.raises(UnreadableModel, match=why):
        read(content)


@pytest.mark.parametrize(
    ("quantisation", "error"),
    [(None, 0.0), ("float16", 0.001), ("int16", 0.002), ("int8", 0.005)],
)
def test_what_ctranslate2_writes_is_read_back(tmp_path, quantisation, error):
    small = small_whisper(tmp_path, quantisation=quantisation)

    model = read_model(small.folder / "model.bin")

    for name, expected in small.weights.items():
        weights = model.weights(name, *expected.shape)
        assert np.abs(weights - expected).max() <= error * np.abs(expected).max(), name
    np.testing.assert_array_equal(
        model.weights("decoder/projection/weight", VOCABULARY, WIDTH),
        model.weights("decoder/embeddings/weight", VOCABULARY, WIDTH),
    )


@pytest.mark.model
def test_whisper_base_is_read():
    model = read_model(whisper_base_folder() / "model.bin")

    size = size_of(model)

    assert (size.layers, size.heads, size.width) == (6, 8, 512)
    assert (size.vocabulary, size.positions) == (51_865, 448)
    assert (
        model.tensors["decoder/projection/weight"] is (model.tensors["decoder/embeddings/weight"])
    )


def changed(model, name, value):
    tensors = dict(model.tensors)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    return ConvertedModel(specification=model.specification, tensors=tensors)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decoder/num_heads", None),
        ("decoder/num_heads", np.int16(0)),
        ("decoder/num_heads", np.int16(5)),
        ("decoder/num_heads", np.int16([])),
        ("decoder/embeddings/weight", None),
        ("decoder/embeddings/weight", np.float32([1, 2])),
        ("decoder/position_encodings/encodings", None),
        ("decoder/layer_0/ffn/linear_0/weight", None),
        ("decoder/pre_norm", np.int8(0)),
        ("decoder/activation", np.int8(0)),
        ("decoder/alibi", np.int8(1)),
        ("decoder/scale_embeddings", np.int8(1)),
        # Stands for a large model without taking its memory.
        ("decoder/embeddings/weight", np.broadcast_to(np.float32(0), (200_000, 4096))),
    ],
)
def test_a_decoder_of_another_form_is_refused(tmp_path, name, value):
    model = read_model(small_whisper(tmp_path).folder / "model.bin")

    with pytest.raises(UnreadableModel):
        size_of(changed(model, name, value))


def test_a_model_that_is_not_whisper_is_refused(read):
    with pytest.raises(UnreadableModel, match="TransformerSpec"):
        size_of(read(model_bin(specification="TransformerSpec")))


def load(folder, **control):
    tokens = {"start": CONTROL.start, "end": CONTROL.end, "no_speech": CONTROL.no_speech}
    return GreedyDecoder.load(folder, **{**tokens, **control})


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "{",
        "[]",
        "\xff",
        '{"suppress_ids": 3}',
        '{"suppress_ids": ["a"]}',
        '{"suppress_ids": [true]}',
        '{"suppress_ids": [-1]}',
        f'{{"suppress_ids_begin": [{VOCABULARY}]}}',
    ],
)
def test_a_config_that_is_missing_or_odd_is_refused(tmp_path, config):
    folder = small_whisper(tmp_path).folder
    (folder / "config.json").unlink()
    if config is not None:
        (folder / "config.json").write_text(config, encoding="latin-1")

    with pytest.raises(UnreadableModel) as refusal:
        load(folder)
    assert str(folder) not in str(refusal.value)


@pytest.mark.parametrize("config", ["{}", '{"suppress_ids": null, "suppress_ids_begin": []}'])
def test_a_config_may_suppress_nothing(tmp_path, config):
    folder = small_whisper(tmp_path).folder
    (folder / "config.json").write_text(config)

    assert isinstance(load(folder), GreedyDecoder)


@pytest.mark.parametrize("which", ["start", "end", "no_speech"])
def test_control_tokens_the_model_has_no_room_for_are_refused(tmp_path, which):
    folder = small_whisper(tmp_path).folder

    with pytest.raises(UnreadableModel, match=str(VOCABULARY)):
        load(folder, **{which: VOCABULARY})


def test_a_model_file_that_is_missing_is_refused(tmp_path):
    folder = small_whisper(tmp_path).folder
    (folder / "model.bin").unlink()

    with pytest.raises(UnreadableModel):
        load(folder)


@pytest.mark.parametrize(
    "name",
    [
        "decoder/layer_1/attention/linear_1/bias",
        "decoder/layer_0/self_attention/linear_0/weight",
        "decoder/layer_norm/gamma",
        "decoder/projection/weight",
    ],
)
def test_weights_of_the_wrong_shape_are_refused_before_anything_runs(tmp_path, name):
    from workers.recognition.decoder_network import DecoderNetwork

    model = read_model(small_whisper(tmp_path).folder / "model.bin")

    with pytest.raises(UnreadableModel, match=name):
        DecoderNetwork(changed(model, name, np.zeros((3, 3), np.float32)), CONTROL)
