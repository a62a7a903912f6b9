"""gunicorn's threaded worker, with threads that no client can hold.

gunicorn's own has one thread that waits for clients, and others that it hands each request to and takes the connection
back from. Whoever connects and says nothing, or says it letter by letter, holds one of the others; whoever does not
close his end when told that ours is closed holds the one. A few such clients are enough, and nobody is answered.

Here all threads wait for all connections together, and the kernel wakes one of them for each event. A thread is with a
connection only as long as there is something to do: it takes what has arrived, and answers once the request is whole.
That also spares each request two changes of threads.
"""

import math
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from gunicorn.workers.gthread import TConn, ThreadWorker

from app.arrival import is_whole

REQUEST_SECONDS = 10
"""How long a request may take to arrive, from its first byte."""

LINGER_SECONDS = 2.0
"""How long a client may take to close its end (RFC 9112, 9.6) or, when we stop, to send what was under way to us."""

REST_SECONDS = 0.05
"""How long we wait for the rest of a body that nobody wanted, before the connection is closed instead of kept."""

LOOK_SECONDS = 0.5
"""How often we look for connections whose time is over."""

TURN_SECONDS = 0.0001
MOST_TURNS = 8
"""For each client that it has, up to so many, a process lets the others go first when a new one comes."""

ABREAST = 2
"""How many threads of a process work while none of them is held up. Python lets one of them run at a time; more of them
only take turns, and each turn costs."""

PATIENCE_SECONDS = 0.02
"""How long an event waits for the threads at work, before another joins them because they must be held up."""

READABLE = select.EPOLLIN | select.EPOLLONESHOT
AT_ONCE = READABLE | select.EPOLLOUT


class Waiting(NamedTuple):
    """A connection, what to do with it at its next event, and until when we wait for that."""

    connection: TConn
    then: Callable[[TConn, float], None]
    until: float
    events: int = READABLE


class Worker(ThreadWorker):
    """One process of the web server.

    Whoever takes a connection out of ``waiting``, where it stands by its file's number, has it alone.
    """

    alive: bool

    def init_process(self) -> None:
        """Serve, in a process of its own; returns when that is to end."""
        self.waiting: dict[int, Waiting] = {}
        # gunicorn keeps so many of them open and no more.
        self.keepalived_conns = self.waiting
        self.ready = select.epoll()
        self.end, self.ending = os.pipe()
        self.ready.register(self.end, select.EPOLLIN)
        self.at_work: set[int] = set()
        self.standing_by = threading.Lock()
        self.looked_at = 0.0
        super().init_process()

    def run(self) -> None:
        """Accept connections until the process is to stop, then let those finish that are under way."""
        self.poller.register(self.method_queue.fileno(), select.EPOLLIN, self.method_queue.run_callbacks)
        for _ in range(self.cfg.threads):
            self.tpool.submit(self._serve)
        while self.alive and self.is_parent_alive():
            self.set_accept_enabled(self.nr_conns < self.worker_connections)
            self._go_round(LOOK_SECONDS)
        self.alive = False
        self.set_accept_enabled(False)
        stopped = time.monotonic()
        while self.nr_conns and time.monotonic() < stopped + self.cfg.graceful_timeout:
            self._go_round(LOOK_SECONDS / 5, stopped + LINGER_SECONDS)
        # Its other side is an event that stays, and every thread hears it.
        os.close(self.ending)
        self.tpool.shutdown(wait=False)

    def accept(self, listener: socket.socket) -> None:
        """Take a new client, if no process with fewer of them does so first."""
        if self.nr_conns:
            time.sleep(min(self.nr_conns, MOST_TURNS) * TURN_SECONDS)
        super().accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Wait for what a new client says."""
        conn.init()
        conn.data_ready = True
        self._wait(Waiting(conn, self._hear, time.monotonic() + self.cfg.keepalive), self.ready.register)

    def _go_round(self, seconds: float, latest: float = math.inf) -> None:
        """Tell that we live, wait so long for new clients, and part with connections whose time is over."""
        self.notify()
        self.wait_for_and_dispatch_events(seconds)
        now = time.monotonic()
        if now >= self.looked_at + seconds:
            self.looked_at = now
            for fd, each in list(self.waiting.items()):
                if min(each.until, latest) <= now:
                    self._part_with(fd, each)

    def _part_with(self, fd: int, overdue: Waiting) -> None:
        taken = self.waiting.pop(fd, None)
        if taken is overdue and not _unread(taken.connection):
            self._end(taken.connection)
        elif taken:
            if taken is overdue:
                # Of what has arrived a thread makes what it can when it hears that nothing more will.
                _shut(taken.connection, socket.SHUT_RD)
            self._wait(taken)

    def _wait(self, waiting: Waiting, listen: Callable[[int, int], None] | None = None) -> None:
        fd = waiting.connection.sock.fileno()
        self.waiting[fd] = waiting
        (listen or self.ready.modify)(fd, waiting.events)

    def _serve(self) -> None:
        me = threading.get_ident()
        while True:
            self._stand_by()
            self.at_work.add(me)
            while me in self.at_work:
                for fd, _ in self.ready.poll(-1, 1):
                    if fd == self.end:
                        return
                    if waiting := self.waiting.pop(fd, None):
                        waiting.then(waiting.connection, waiting.until)
                if len(self.at_work) > ABREAST:
                    self.at_work.discard(me)

    def _stand_by(self) -> None:
        """Wait until another thread is needed."""
        with self.standing_by:
            events = select.poll()
            events.register(self.ready, select.POLLIN)
            while len(self.at_work) >= ABREAST:
                events.poll()
                time.sleep(PATIENCE_SECONDS)
                if events.poll(0):
                    return

    def _hear(self, conn: TConn, until: float) -> None:
        """Take in what the client says, and answer once it is all there, or he has closed his end."""
        said = conn.parser.unreader.buf
        before = said.seek(0, os.SEEK_END)
        piece = _received(conn)
        said.write(piece or b"")
        if not before and not piece:
            self._end(conn)
        elif piece != b"" and not is_whole(said.getvalue()):
            self._wait(Waiting(conn, self._hear, until if before else time.monotonic() + REQUEST_SECONDS))
        else:
            self._answer(conn, piece != b"")

    def _answer(self, conn: TConn, says_more: bool) -> None:
        kept = False
        try:
            kept = self.handle(conn)
        except Exception:
            self.log.exception("A connection was lost:")
        begun = _unread(conn)
        if kept and (begun or says_more):
            # What the client has said already is no event; but that it can be written to is one at once.
            events = AT_ONCE if begun else READABLE
            self._wait(Waiting(conn, self._hear, time.monotonic() + self.cfg.keepalive, events))
        elif _shut(conn, socket.SHUT_WR):
            self._wait(Waiting(conn, self._let_go, time.monotonic() + LINGER_SECONDS))
        else:
            self._end(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Whether another request can follow: the body must be here already, read or not; no thread waits for it."""
        if not keepalive or getattr(conn.parser.mesg.body.reader, "length", None) == 0:
            return keepalive
        return bool(conn.parser.finish_body(deadline=time.monotonic() + REST_SECONDS))

    def _let_go(self, conn: TConn, until: float) -> None:
        """Close our connection with a client that has; what it says instead is passed over.

        Closed earlier, the kernel would throw away what it has not taken of our answer (RFC 9112, 9.6).
        """
        if _received(conn):
            self._wait(Waiting(conn, self._let_go, until))
        else:
            self._end(conn)

    def _end(self, conn: TConn) -> None:
        conn.close()
        # The thread that accepts them counts them.
        self.method_queue.defer(self._forget)

    def _forget(self) -> None:
        self.nr_conns -= 1


def _received(conn: TConn) -> bytes | None:
    """What has arrived: nothing (b"") if no more will, None if it just has not."""
    try:
        received: bytes = conn.sock.recv(65536, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    return received


def _unread(conn: TConn) -> Any:
    return conn.parser.unreader.buf.getvalue()


def _shut(conn: TConn, way: int) -> bool:
    """Close one direction of a connection; whether it was open."""
    try:
        conn.sock.shutdown(way)
    except OSError:
        return False
    return True
