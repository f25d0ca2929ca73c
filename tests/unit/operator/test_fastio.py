"""The contract of FastIO variables, through real segments and real operator processes."""

import numpy as np
import pytest
from clara.fastio_types import FastIOType

TYPES = [member.value for member in FastIOType]
SOURCES = {
    "contiguous": "base",
    "fortran": "np.asfortranarray(base)",
    "strided": "np.repeat(base, 2, axis=1)[:, ::2]",
    "reversed": "base[::-1, ::-1][::-1, ::-1]",
    "big_endian": "base.astype(base.dtype.newbyteorder('>'))",
}


@pytest.mark.parametrize("inherit", [True, False])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_in_and_out(runner, dtype, inherit):
    runner.inherit = inherit
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    runner.add_input("before", values, [2, -1, 4])
    runner.add_output("after", dtype, [2, 3, -1])
    result = runner.execute(
        """
        before, after = ins["before"], outs["AFTER"]
        assert before.array.flags.writeable is False and before.array.dtype == before.element_type
        assert (before.shape, before.dynamic_indices) == ([2, 3, 4], [1])
        assert before.size_in_bytes == before.array.nbytes and before.is_allocated()
        assert before.access == clara.FastIOAccess.READ
        after.array = before.array
        """
    )
    assert result.code == 0, result.err
    np.testing.assert_array_equal(runner.array(0), values)
    assert runner.array(0).dtype == values.dtype


@pytest.mark.parametrize("source", SOURCES)
def test_any_memory_layout_is_stored_row_major(runner, source):
    runner.add_output("v", "float32", [-1, 5])
    text = f"""
    import numpy as np
    base = np.arange(20, dtype="float32").reshape(4, 5)
    outs["v"].array = {SOURCES[source]}
    """
    result = runner.execute(text)
    assert result.code == 0, result.err
    np.testing.assert_array_equal(runner.array(0), np.arange(20, dtype="float32").reshape(4, 5))


def test_fixed_shape_is_allocated_before_execute(runner):
    runner.add_output("shape", "int32", [4])
    runner.add_output("number", "float64", [1])
    result = runner.execute(
        """
        shape = outs["shape"]
        assert shape.is_allocated and not shape.is_dynamic and shape.dynamic_indices == []
        assert shape.access == clara.FastIOAccess.READ_WRITE
        shape.array[...] = [1, 2, 3, 4]
        for call in (shape.allocate, lambda: shape.update_shape([4])):
            try: call()
            except ValueError as error: assert isinstance(error, clara.Error)
            else: raise AssertionError
        outs["number"].value = 3
        assert outs["number"].value == 3.0 and str(outs["number"]) == "3.0"
        """
    )
    assert result.code == 0, result.err
    assert runner.array(0).tolist() == [1, 2, 3, 4]
    assert runner.array(1).tolist() == [3.0]


def test_sizing_step_by_step(runner):
    runner.add_output("v", "uint16", [3, -1, 224, 0])
    result = runner.execute(
        """
        v = outs["v"]
        assert v.is_dynamic and v.is_dynamic() and not v.is_allocated and v.size == 0
        assert (v.shape, v.dynamic_indices) == ([3, -1, 224, 0], [1, 3])
        for call in (v.allocate, lambda: v.array):
            try: call()
            except clara.Error: pass
            else: raise AssertionError
        v.update_shape(3, 2, 224, 5)
        v.update_shape((3, 1, 224, 2))
        v.allocate()
        try: v.allocate()
        except ValueError: pass
        else: raise AssertionError
        assert v.nbytes == 3 * 224 * 2 * 2 and os.fstat(v._segment()).st_size == v.nbytes
        v.array[...] = 7
        v.update_shape([3, 1, 224, 2])
        try: v.update_shape([3, 2, 224, 2])
        except ValueError as error: assert "settled" in str(error)
        else: raise AssertionError
        """
    )
    assert result.code == 0, result.err
    assert runner.array(0).shape == (3, 1, 224, 2) and (runner.array(0) == 7).all()


@pytest.mark.parametrize(
    ("assignment", "error"),
    [
        ("v.update_shape([1, 2, 3])", "ValueError"),
        ("v.update_shape([2, 2])", "ValueError"),
        ("v.update_shape([1, 0])", "ValueError"),
        ("v.update_shape([1, 2.0])", "TypeError"),
        ("v.update_shape([1, 1 << 60])", "MemoryError"),
        ("v.array = np.zeros((2, 2), 'int32')", "ValueError"),
        ("v.array = np.zeros(2, 'int32')", "ValueError"),
        ("v.array = np.zeros((1, 2))", "TypeError"),
        ("v.array = np.zeros((1, 2), 'complex64')", "TypeError"),
        ("v.value", "TypeError"),
        ("v.value = 3", "TypeError"),
        ("i.array = np.zeros(2, 'int32')", "PermissionError"),
        ("i.array[0] = 1", "ValueError"),
        ("i.array.flags.writeable = True", "ValueError"),
        ("i.map_allocation()[0] = 1", "TypeError"),
        ("i.update_shape([2])", "ValueError"),
        ("i.allocate()", "ValueError"),
        ("missing.array", "clara.Error"),
        ("outs['nothing']", "KeyError"),
    ],
)
def test_wrong_use(runner, assignment, error):
    runner.add_output("v", "int32", [1, -1])
    runner.add_input("i", np.zeros(2, "int32"))
    runner.add_input("missing", None, [-1])
    result = runner.execute(
        f"""
        import numpy as np
        v, i, missing = outs["v"], ins["i"], ins["missing"]
        assert not missing.is_allocated
        try: {assignment}
        except {error} as problem: print(problem)
        else: raise AssertionError
        v.array = np.ones((1, 3), "int32")
        """
    )
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 1
    assert runner.array(0).tolist() == [[1, 1, 1]]


def test_runner_refuses_a_shape(runner):
    runner.add_output("v", "int32", [-1])
    runner.refuse["shape"] = ("v: the consumer declares 4", "value")
    result = runner.execute(
        """
        try: outs["v"].update_shape(3)
        except ValueError as error: print(error)
        assert not outs["v"].is_allocated
        """
    )
    assert result.out == "v: the consumer declares 4\n"
    assert result.code == 1 and "execute gave no shape to the output v" in result.err


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_no_elements(runner, shape):
    declared = [size or -1 for size in shape]
    runner.add_input("i", np.empty(shape, "float32"), declared)
    runner.add_output("v", "float32", declared)
    result = runner.execute(
        """
        assert ins["i"].is_allocated and ins["i"].array.size == 0 and not ins["i"].array.flags.writeable
        outs["v"].array = ins["i"].array
        assert outs["v"].is_allocated and outs["v"].size_in_bytes == 0
        assert len(outs["v"].map()) == 0
        """
    )
    assert result.code == 0, result.err
    assert runner.array(0).shape == shape


@pytest.mark.parametrize("text", ["", "Thorax, über 3 mm", "a\0b"])
def test_strings(runner, text):
    data = np.frombuffer(text.encode(), "uint8")
    runner.add_input("i", data, [-1], string=True)
    runner.add_output("v", "uint8", [-1], string=True)
    result = runner.execute(
        """
        text = ins["i"].value
        assert str(ins["i"]) == text
        outs["v"].value = text
        assert outs["v"].value == text and outs["v"].is_dynamic
        assert "numpy" not in sys.modules
        """
    )
    assert result.code == 0, result.err
    assert runner.array(0).tobytes().decode() == text


def test_bytes_that_are_no_text(runner):
    runner.add_input("i", np.array([255, 254], "uint8"), [-1], string=True)
    result = runner.execute("ins['i'].value")
    assert result.code == 1 and "not UTF-8" in result.err


def test_nothing_is_copied(runner):
    runner.add_input("i", np.zeros(1 << 20, "uint8"))
    runner.add_output("v", "uint8", [1 << 20])
    result = runner.execute(
        """
        import mmap
        for entry in (ins["i"], outs["v"]):
            assert not entry.array.flags.owndata
            assert entry.array.ctypes.data % mmap.PAGESIZE == 0
            assert entry.array is entry.array
        outs["v"].array[5] = 9
        assert outs["v"].map_allocation()[5] == 9
        outs["v"].array += 1
        """
    )
    assert result.code == 0, result.err
    assert runner.array(0)[5] == 10 and runner.array(0)[0] == 1


def test_views_kept_after_execute_cannot_change_what_others_see(runner):
    runner.add_input("i", np.arange(4, dtype="int32"))
    runner.add_output("v", "int32", [4])
    code = """
    import os, clara
    kept = {}
    def execute(driver, payload):
        entry = payload.fastio_outputs["v"]
        entry.array[...] = 5
        kept.update(entry=entry, view=entry.array, part=entry.array[:2], bytes=entry.map_allocation())
        kept.update(input=payload.fastio_inputs["i"].array, payload=payload, fd=entry._segment())
        assert os.get_inheritable(entry.inherited) is False
    def cleanup(driver):
        kept["part"][0] = 77
        kept["bytes"][4] = 77
        assert kept["view"].tolist() == [77, 77, 5, 5] and not kept["view"].flags.writeable
        assert kept["input"].tolist() == [0, 1, 2, 3]
        for use in (lambda: kept["entry"].array, lambda: kept["entry"].shape, lambda: kept["payload"].inputs,
                    lambda: setattr(kept["entry"], "array", [1, 2, 3, 4]), lambda: kept["payload"].fastio_context):
            try: use()
            except clara.Error as error: assert "while execute runs" in str(error)
            else: raise AssertionError
        for descriptor in (kept["fd"], kept["entry"].inherited):
            try: os.fstat(descriptor)
            except OSError: pass
            else: raise AssertionError(descriptor)
        print(kept["entry"].name)
    driver = clara.Driver(execute_handler=execute, cleanup_handler=cleanup)
    driver.start()
    driver.wait_for_completion()
    """
    result = runner.run(code)
    assert result.code == 0, result.err
    assert result.out == "v\n"
    assert runner.array(0).tolist() == [5, 5, 5, 5]


def test_too_little_memory_is_said_before_execute(runner):
    runner.add_output("huge", "float64", [1 << 50])
    result = runner.execute("print('executed')")
    assert (result.code, result.out) == (1, "")
    assert f"huge: {8 << 50} bytes are needed" in result.err and "bytes are free" in result.err
    assert "Traceback" not in result.err


def test_shared_memory_shorter_than_announced_is_an_error_not_a_crash(runner):
    runner.add_input("i", np.zeros(4, "uint8"))
    runner.shapes = [[4096 * 10]]
    result = runner.execute("ins['i'].array")
    assert result.code == 1 and "shorter than 40960 bytes" in result.err


def test_wrong_inherited_descriptor_is_not_trusted(runner):
    runner.add_input("i", np.arange(3, dtype="int16"))
    runner.inputs[0]["inode"] += 1
    result = runner.execute("print(ins['i'].array.tolist())")
    assert result.out == "[0, 1, 2]\n"
    assert {"op": "descriptor", "side": "inputs", "index": 0} in runner.seen


def test_one_descriptor_for_two_inputs(runner):
    runner.add_input("i", np.arange(3, dtype="int16"))
    runner.inputs.append(dict(runner.inputs[0], name="again"))
    runner.shapes.append(runner.shapes[0])
    assert runner.execute("print([e.array.sum() for e in ins])").code == 0


def test_folders_and_variables_in_order(runner, tmp_path):
    runner.add_folder("inputs", "", tmp_path)
    runner.add_input("i", np.zeros(1, "int8"))
    runner.add_folder("inputs", "Dcm", tmp_path / "dcm")
    runner.add_folder("outputs", "out", tmp_path / "out")
    result = runner.execute(
        """
        assert payload.inputs.keys() == ["", "i", "Dcm"] and payload.outputs.keys() == ["out"]
        assert payload.input_entries["dcm"].name == "Dcm" and payload.input_entries[-1].name == "Dcm"
        assert "DCM" in payload.input_entries and "i" not in payload.input_entries
        assert len(payload.output_fastio_entries) == 0 and [e.name for e in payload.input_fastio_entries] == ["i"]
        print(payload.input_entries[0].path, payload.output_entries["OUT"].path)
        """
    )
    assert result.out == f"{tmp_path} {tmp_path / 'out'}\n", result.err
