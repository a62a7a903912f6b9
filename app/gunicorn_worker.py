"""gunicorn's threaded worker, with threads that no client can hold.

gunicorn's own has one thread that waits for clients, and others that it hands each request to and takes the connection
back from. Whoever connects and says nothing, or says it letter by letter, holds one of the others; whoever does not
close his end when told that ours is closed holds the one. A few such clients are enough, and nobody is answered.

Here all threads wait for all connections together, and the kernel wakes one of them for each event. A thread is with a
connection only as long as there is something to do: it takes what has arrived, and answers once the request is whole.
That also spares each request two changes of threads.
"""

import errno
import math
import os
import select
import socket
import threading
import time
from collections.abc import Callable

from gunicorn.workers.gthread import ThreadWorker

from app.arrival import Arrival
from app.client import AT_ONCE, Client, Waiting

REQUEST_SECONDS = 10
"""How long a request may take to arrive, from its first byte; and as long again while a thread reads a long one."""

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
        self.at_work: dict[int, float] = {}
        self.standing_by = threading.Lock()
        self.looked_at = 0.0
        super().init_process()

    def run(self) -> None:
        """Accept clients until the process is to stop, then let those requests finish that are under way."""
        self.poller.register(self.method_queue.fileno(), select.EPOLLIN, self.method_queue.run_callbacks)
        for _ in range(self.cfg.threads):
            self.tpool.submit(self._serve)
        try:
            while self.alive and self.is_parent_alive():
                self.set_accept_enabled(self.nr_conns < self.worker_connections)
                self._go_round(LOOK_SECONDS)
            self.alive = False
            self.set_accept_enabled(False)
            stopped = time.monotonic()
            while self.nr_conns and time.monotonic() < stopped + self.cfg.graceful_timeout:
                self._go_round(LOOK_SECONDS / 5, stopped + LINGER_SECONDS)
        finally:
            # The other side of this is an event that stays, and every thread hears it.
            os.close(self.ending)
            self.tpool.shutdown(wait=False)

    def accept(self, listener: socket.socket) -> None:
        """Take a new client, if no process with fewer of them does so first."""
        if self.nr_conns and self.cfg.workers > 1:
            time.sleep(min(self.nr_conns, MOST_TURNS) * TURN_SECONDS)
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self.log.warning("A client has to wait: this process can open no more files.")
            time.sleep(LOOK_SECONDS)
            return
        self.nr_conns += 1
        client = Client(self.cfg, sock, address, listener.getsockname())
        client.init()
        self._wait(Waiting(client, self._hear, _in(self.cfg.keepalive)), self.ready.register)

    def _go_round(self, seconds: float, latest: float = math.inf) -> None:
        """Tell that we live, wait so long for new clients, and part with those whose time is over."""
        self.notify()
        self.wait_for_and_dispatch_events(seconds)
        now = time.monotonic()
        if now >= self.looked_at + seconds:
            self.looked_at = now
            # The numbers alone: to list pairs makes objects, which may let another thread in meanwhile.
            for fd in list(self.waiting):
                each = self.waiting.get(fd)
                if each and (min(each.until, latest) if each.then == self._hear else each.until) <= now:
                    self._part_with(fd, each)

    def _part_with(self, fd: int, overdue: Waiting) -> None:
        taken = self.waiting.pop(fd, None)
        if not taken:
            return
        client = taken.client
        hears = taken is overdue and taken.then == self._hear
        if hears and client.said:
            self._wait(Waiting(client, self._give_up, _in(REQUEST_SECONDS), AT_ONCE))
        elif taken is not overdue or (hears and client.received(socket.MSG_PEEK)):
            # Somebody was faster, or the client speaks while every thread is busy.
            self._wait(taken)
        else:
            self._end(client)

    def _wait(self, waiting: Waiting, listen: Callable[[int, int], None] | None = None) -> None:
        fd = waiting.client.sock.fileno()
        # Before the event can come, after which it is another's.
        self.waiting[fd] = waiting
        try:
            (listen or self.ready.modify)(fd, waiting.events)
        except (OSError, ValueError):
            # Closed meanwhile, or never open: whoever took it out has ended it.
            if self.waiting.get(fd) is waiting:
                del self.waiting[fd]
                self._end(waiting.client)

    def _serve(self) -> None:
        me = threading.get_ident()
        while True:
            self._stand_by()
            self.at_work[me] = math.inf
            while me in self.at_work:
                for fd, _ in self.ready.poll(-1, 1):
                    if fd == self.end:
                        return
                    if waiting := self.waiting.pop(fd, None):
                        self.at_work[me] = time.monotonic()
                        self._go_on(waiting)
                        self.at_work[me] = math.inf
                if self._hands() > ABREAST:
                    del self.at_work[me]

    def _stand_by(self) -> None:
        """Wait until another thread is needed."""
        with self.standing_by:
            events = select.poll()
            events.register(self.ready, select.POLLIN)
            while self._hands() >= ABREAST:
                events.poll()
                time.sleep(PATIENCE_SECONDS)
                if events.poll(0):
                    return

    def _hands(self) -> int:
        """How many threads are at work and not held up."""
        held_up = time.monotonic() - PATIENCE_SECONDS
        return sum(began > held_up for began in list(self.at_work.values()))

    def _go_on(self, waiting: Waiting) -> None:
        try:
            waiting.then(waiting.client, waiting.until)
        except BaseException:  # no thread is lost, whatever it was
            self.log.exception("A connection was lost:")
            self._end(waiting.client)

    def _hear(self, client: Client, until: float) -> None:
        """Take in what the client says, and answer once it is all there, or he has closed his end."""
        before = client.said
        # Of who says much at once no more is taken in before he is answered.
        piece = None if before and client.is_whole() else client.received()
        client.take_in(piece or b"")
        if not before and piece == b"":
            self._end(client)
        elif client.said and (piece == b"" or client.is_whole()):
            self._answer(client, piece == b"")
        else:
            self._wait(Waiting(client, self._hear, until if before or not piece else _in(REQUEST_SECONDS)))

    def _give_up(self, client: Client, _until: float) -> None:
        """Make what can be made of what has arrived; nothing more is heard, lest it be taken for a request."""
        while not client.is_whole() and (piece := client.received()):
            client.take_in(piece)
        client.listener.is_over = True
        self._answer(client, True)

    def _answer(self, client: Client, is_last: bool) -> None:
        client.listener.until = _in(REQUEST_SECONDS)
        kept = self.handle(client) and not client.listener.is_over
        client.arrival = Arrival()
        if kept and client.said:
            # What the client has said already is no event; but that it can be written to is one at once.
            self._wait(Waiting(client, self._hear, _in(REQUEST_SECONDS), AT_ONCE))
        elif kept and not is_last:
            self._wait(Waiting(client, self._hear, _in(self.cfg.keepalive)))
        elif client.say_no_more():
            self._wait(Waiting(client, self._let_go, _in(LINGER_SECONDS)))
        else:
            self._end(client)

    def _keepalive_after(self, conn: Client, keepalive: bool) -> bool:
        """Whether another request can follow: the body must be here already, read or not; no thread waits for it."""
        if not keepalive or getattr(conn.parser.mesg.body.reader, "length", None) == 0:
            return keepalive
        try:
            return bool(conn.parser.finish_body(deadline=_in(REST_SECONDS)))
        except Exception:  # whatever is wrong with it: the request has been answered already
            return False

    def _let_go(self, client: Client, until: float) -> None:
        """Close our connection with a client that has; what it says instead is passed over.

        Closed earlier, the kernel would throw away what it has not taken of our answer (RFC 9112, 9.6).
        """
        if client.received() != b"" and time.monotonic() < until:
            self._wait(Waiting(client, self._let_go, until))
        else:
            self._end(client)

    def _end(self, client: Client) -> None:
        client.close()
        # The thread that accepts them counts them.
        self.method_queue.defer(self._forget)

    def _forget(self) -> None:
        self.nr_conns -= 1


def _in(seconds: float) -> float:
    return time.monotonic() + seconds
