"""However a result is cut into chunks, the same rows pass: as many as may, whole, and then no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.session.allowance import Allowance
from gateway.session.replies import Running
from masking.policy import Limits
from protocol.backend import DataRow
from protocol.frames import BackendFrames, Rows

rows = st.lists(st.binary(max_size=20).map(lambda value: DataRow((value,)).encode()), max_size=12)
limit = st.none() | st.integers(1, 10)
size = st.none() | st.integers(1, 250)


def passed(limits: Limits, chunks: list[bytes], allowance: Allowance) -> tuple[bytes, bool, int]:
    """What the client gets, whether it is told that there is more, and how many rows are counted."""
    framer, running, got = BackendFrames(), Running(1, 0.0), b""
    for chunk in chunks:
        for piece in framer.feed(chunk):
            assert isinstance(piece, Rows)
            end, refusal = allowance.passing(limits, running, piece)
            running.rows += piece.count if end == len(piece.data) else piece.counted(end)
            running.bytes += end
            got += piece.data[:end]
            if refusal is not None:
                return got, True, running.rows
    return got, False, running.rows


def expected(limits: Limits, sent: list[bytes], allowance: Allowance) -> tuple[bytes, bool, int]:
    got = b""
    for number, row in enumerate(sent):
        over = (
            (limits.rows is not None and number + 1 > limits.rows)
            or (limits.session_rows is not None and allowance.rows + number + 1 > limits.session_rows)
            or (limits.bytes is not None and len(got) + len(row) > limits.bytes)
            or (limits.session_bytes is not None and allowance.bytes + len(got) + len(row) > limits.session_bytes)
        )
        if over:
            return got, True, number
        got += row
    return got, False, len(sent)


@given(sent=rows, cuts=st.lists(st.integers(1, 40)), limits=st.builds(Limits, limit, size, limit, size), used=limit)
def test_whole_rows_up_to_the_limit(sent: list[bytes], cuts: list[int], limits: Limits, used: int | None) -> None:
    allowance = Allowance()
    allowance.rows, allowance.bytes = used or 0, 3 * (used or 0)
    stream, chunks = b"".join(sent), []
    for cut in cuts:
        chunks.append(stream[:cut])
        stream = stream[cut:]
    wanted = expected(limits, sent, allowance)
    assert passed(limits, [*chunks, stream], allowance) == wanted
