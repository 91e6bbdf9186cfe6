"""ONNX graphs written node by node: the operators a transformer's decoder is made of.

Dense layers multiply in 8 bits: weights scaled by output row, inputs by the row they belong to.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

Weights = npt.NDArray[np.float32]
Quantised = tuple[npt.NDArray[np.uint8], Weights]
"""Rows in 8 bits around 128, shape (n, k), and what to multiply each row with, shape (n,)."""

_STANDARD_OPSET: Final = 21
_IR_VERSION: Final = 10
_OWN_OPERATORS: Final = "com.microsoft"
"""ONNX Runtime's operators: `MatMulIntegerToFloat` and `Gelu`."""
_NORM_EPSILON: Final = 1e-5
_ZERO_POINT: Final = 128
"""Both operands are unsigned: on CPUs without VNNI the signed kernel saturates its 16-bit sums."""
_BLOCK_ROWS: Final = 256
"""Rows quantised at once: of Whisper base half a megabyte, which stays in a core's cache."""


def floats(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    """Describe a float32 input or output; dimensions that vary have names."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def integers(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    """Describe an int64 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def quantised(weight: Weights) -> Quantised:
    """Give rows in 8 bits around 128, and what to multiply each row with: (n, k), (n,)."""
    scale = np.maximum(weight.max(axis=1), -weight.min(axis=1)) / 127
    scale[scale == 0] = 1
    eight = np.empty(weight.shape, np.uint8)
    for first in range(0, len(weight), _BLOCK_ROWS):
        rows = slice(first, first + _BLOCK_ROWS)
        eight[rows] = np.rint(weight[rows] / scale[rows, None]) + _ZERO_POINT
    return eight, scale


class Graph:
    """A graph being written: every method adds nodes and gives the name of their result."""

    def __init__(self) -> None:
        # Written straight into the message that is serialised: the helpers of `onnx` that build one
        # from parts copy every weight twice more.
        self._model = onnx.ModelProto(ir_version=_IR_VERSION)
        self._model.opset_import.append(helper.make_opsetid("", _STANDARD_OPSET))
        self._model.opset_import.append(helper.make_opsetid(_OWN_OPERATORS, 1))
        self._nodes = self._model.graph.node
        self._constants: set[str] = set()

    def serialise(
        self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> bytes:
        """End the graph: give the model that ONNX Runtime loads."""
        graph = self._model.graph
        graph.name = "decoder"
        graph.input.extend(inputs)
        graph.output.extend(outputs)
        serialised: bytes = self._model.SerializeToString()
        return serialised

    def node(self, kind: str, inputs: list[str], output: str, **settings: Any) -> None:  # noqa: ANN401
        """Add an operator whose result has a name of the graph's own."""
        self._nodes.append(helper.make_node(kind, inputs, [output], **settings))

    def op(self, kind: str, *inputs: str, **settings: Any) -> str:  # noqa: ANN401
        """Add an operator."""
        output = f"_{len(self._nodes)}"
        self.node(kind, list(inputs), output, **settings)
        return output

    def constant(self, value: npt.ArrayLike, kind: type[np.generic]) -> str:
        """Add a constant; small ones that are equal are shared."""
        array = np.asarray(value, kind)
        small = array.size < 8
        name = f"{kind.__name__}_{array.tolist()}" if small else f"constant_{len(self._constants)}"
        if name not in self._constants:
            self._constants.add(name)
            self._model.graph.initializer.add(
                name=name,
                data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
                dims=array.shape,
                raw_data=array.tobytes(),
            )
        return name

    def split(self, value: str, parts: int) -> list[str]:
        """Cut the last dimension into equal parts."""
        outputs = [f"_{len(self._nodes)}_{part}" for part in range(parts)]
        self._nodes.append(helper.make_node("Split", [value], outputs, axis=-1, num_outputs=parts))
        return outputs

    def heads(self, value: str, heads: int, each: int) -> str:
        """Cut the last dimension into heads: (b, n, heads, each)."""
        return self.op("Reshape", value, self.constant([0, -1, heads, each], np.int64))

    def heads_first(self, value: str, heads: int, each: int) -> str:
        """Cut the last dimension into heads and bring them forward: (b, heads, n, each)."""
        return self.op("Transpose", self.heads(value, heads, each), perm=[0, 2, 1, 3])

    def one_by_one(self, value: str) -> str:
        """Make every row a matrix of its own: (b, heads, q, each) to (b, heads, q, 1, each).

        ONNX Runtime multiplies matrices of one row by another routine than those of many, which sums
        in another order. So a row comes out the same whatever it is read together with.
        """
        return self.op("Unsqueeze", value, self.constant([3], np.int64))

    def for_each(self, value: str) -> str:
        """Have a matrix meet every row of `one_by_one`: (b, heads, m, n) to (b, heads, 1, m, n)."""
        return self.op("Unsqueeze", value, self.constant([2], np.int64))

    def attend(self, shares: str, values: str, width: int) -> str:
        """Turn shares of attention into what was heard: (b, heads, q, 1, k) to (b, q, width)."""
        heard = self.op("MatMul", shares, self.for_each(values))
        heard = self.op("Transpose", heard, perm=[0, 2, 1, 3, 4])
        return self.op("Reshape", heard, self.constant([0, 0, width], np.int64))

    def put(self, row: str, new: str, *, axis: int, output: str) -> None:
        """Write new columns into a row at the places named by `slots`.

        Args:
            row: what is there, of rank 4.
            new: the columns, q of them along `axis`.
            axis: 2 or 3.
            output: name of the result.
        """
        others = [one for one in (1, 2, 3) if one != axis]
        index = self.op("Unsqueeze", "slots", self.constant(others, np.int64))
        index = self.op("Expand", index, self.op("Shape", new))
        self.node("ScatterElements", [row, index, new], output, axis=axis)

    def normalise(self, value: str, gamma: Weights, beta: Weights) -> str:
        """Normalise the last dimension."""
        return self.op(
            "LayerNormalization",
            value,
            self.constant(gamma, np.float32),
            self.constant(beta, np.float32),
            axis=-1,
            epsilon=_NORM_EPSILON,
        )

    def gelu(self, value: str) -> str:
        """Apply x * Phi(x)."""
        return self.op("Gelu", value, domain=_OWN_OPERATORS)

    def exact(self, value: str, weight: Weights, bias: Weights) -> str:
        """Multiply by a weight (n, k) in single precision and add a bias (n,)."""
        product = self.op("MatMul", value, self.constant(weight.T, np.float32))
        return self.op("Add", product, self.constant(bias, np.float32))

    def dense(self, value: str, weight: Weights, bias: Weights) -> str:
        """Multiply by a weight (n, k) in 8 bits and add a bias (n,)."""
        product = self._multiply(value, quantised(weight))
        return self.op("Add", product, self.constant(bias, np.float32))

    def _multiply(self, value: str, weight: Quantised) -> str:
        rows, scales = self._in_8_bits(value)
        eight, scale = weight
        product = self.op(
            "MatMulIntegerToFloat",
            rows,
            self.constant(eight.T, np.uint8),
            self.constant(1.0, np.float32),
            self.constant(scale, np.float32),
            self.constant(_ZERO_POINT, np.uint8),
            self.constant(np.full(len(eight), _ZERO_POINT), np.uint8),
            domain=_OWN_OPERATORS,
        )
        return self.op("Mul", product, scales)

    def _in_8_bits(self, value: str) -> tuple[str, str]:
        """Scale each row by its own largest magnitude: in 8 bits, and what to multiply it with."""
        largest = self.op(
            "ReduceMax", self.op("Abs", value), self.constant([-1], np.int64), keepdims=1
        )
        largest = self.op("Max", largest, self.constant(1e-12, np.float32))
        factor = self.op("Div", self.constant(127.0, np.float32), largest)
        # Casting cuts off, so the half added rounds to nearest.
        moved = self.op(
            "Add", self.op("Mul", value, factor), self.constant(_ZERO_POINT + 0.5, np.float32)
        )
        rows = self.op("Cast", moved, to=TensorProto.UINT8)
        return rows, self.op("Mul", largest, self.constant(1 / 127, np.float32))

    def embed(self, embeddings: Quantised, positions: Weights) -> str:
        """Look up `tokens` and `positions`."""
        eight, scale = embeddings
        rows = self.op("Gather", self.constant(eight, np.uint8), "tokens", axis=0)
        rows = self.op("Cast", rows, to=TensorProto.FLOAT)
        rows = self.op("Sub", rows, self.constant(float(_ZERO_POINT), np.float32))
        scales = self.op("Gather", self.constant(scale[:, None], np.float32), "tokens", axis=0)
        places = self.op("Gather", self.constant(positions, np.float32), "positions", axis=0)
        return self.op("Add", self.op("Mul", rows, scales), places)

    def pick(self, state: str, width: int) -> str:
        """Keep the rows named by `places`."""
        wanted = self.op(
            "Concat", self.op("Shape", "places"), self.constant([width], np.int64), axis=0
        )
        index = self.op("Unsqueeze", "places", self.constant([2], np.int64))
        return self.op("GatherElements", state, self.op("Expand", index, wanted), axis=1)

    def score(self, state: str, projection: Quantised) -> None:
        """Score every token of the vocabulary and choose the likeliest."""
        self.node("Identity", [self._multiply(state, projection)], "scores")
        biased = self.op("Add", "scores", "bias")
        self.node("ArgMax", [biased], "best", axis=-1, keepdims=0)
        last = self.constant([-1], np.int64)
        shares = self.op("Softmax", biased, axis=-1)
        self.node("ReduceMax", [shares, last], "probability", keepdims=0)
