"""The webui's queue, its state and its progress bar."""

from __future__ import annotations

import threading
import time

import pytest

from lib_kohaku.app.jobs import Job
from lib_kohaku.errors import CancelledError


@pytest.fixture
def job() -> Job:
    return Job("task(x)", "test", "A test")


def test_it_is_held_and_shown_and_freed(fake, host, job):
    lock, progress = fake.modules["call_queue"].queue_lock, fake.modules["progress"]
    with host.exclusive("task(x)", "Merging", job) as shown:
        assert lock.locked() and progress.current_task == "task(x)"
        shown.start("Merging", 4_000_000, "bytes")
        shown.advance(1_000_000)
        assert (fake.state.job_count, fake.state.sampling_step, fake.state.sampling_steps) == (1, 250, 1000)
        assert fake.state.textinfo == "Merging: 1 MB of 4 MB"
        assert (job.done, job.total) == (1_000_000, 4_000_000)
    assert not lock.locked() and fake.state.idle
    assert progress.finished_tasks == ["task(x)"] and not progress.pending_tasks


def test_the_webuis_estimate_is_of_the_stage_that_its_bar_shows(fake, host, job):
    with host.exclusive("task(x)", "Merging", job) as shown:
        shown.start("Hashing", 1, "bytes")
        fake.state.time_start = 0.0
        before = time.time()
        shown.start("Merging", 4, "bytes")
        assert before <= fake.state.time_start <= time.time()


@pytest.mark.parametrize("error", [ValueError, CancelledError, KeyboardInterrupt])
def test_it_is_freed_after_any_error(fake, host, job, error):
    with pytest.raises(error), host.exclusive("task(x)", "Merging", job) as shown:
        shown.start("Merging", 4, "bytes")
        fake.state.interrupted = True
        raise error("x")
    assert not fake.modules["call_queue"].queue_lock.locked() and fake.state.idle


@pytest.mark.parametrize("flag", ["interrupted", "stopping_generation", "ours"])
def test_either_stop_button_stops(fake, host, job, flag):
    with host.exclusive("task(x)", "Merging", job) as shown:
        assert not shown.cancelled()
        job.stop() if flag == "ours" else setattr(fake.state, flag, True)
        assert shown.cancelled()


def test_waiting_can_be_given_up(fake, host, job):
    lock = fake.modules["call_queue"].queue_lock
    lock.acquire()
    began = time.monotonic()
    threading.Timer(0.2, job.stop).start()
    with pytest.raises(CancelledError), host.exclusive("task(x)", "Merging", job):
        pytest.fail("it was not our turn")
    assert time.monotonic() - began < 1
    assert not fake.modules["progress"].pending_tasks
    lock.release()  # who waited in our place lets the next one pass
    assert lock.acquire(timeout=2)
    lock.release()


def test_a_task_that_was_stopped_before_its_turn_does_nothing(fake, host, job):
    job.stop()
    with pytest.raises(CancelledError), host.exclusive("task(x)", "Merging", job):
        pytest.fail("it was stopped")
    time.sleep(0.2)
    assert not fake.modules["call_queue"].queue_lock.locked() and fake.state.idle


def test_tasks_take_turns(host):
    inside, most = [], []

    def work(number: int) -> None:
        own = Job(f"task({number})", "test", "A test")
        with host.exclusive(own.id, "Work", own):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert most == [1] * 6


def test_a_bar_that_others_reset_recovers(fake, host, job):
    with host.exclusive("task(x)", "Merging", job) as shown:
        shown.start("Merging", 10, "tensors")
        fake.state.job_count = 0  # a handler of another tab has ended
        shown.advance(5)
        assert fake.state.job_count == 1 and fake.state.sampling_step == 500
        assert fake.state.textinfo == "Merging: 5 tensors of 10 tensors"
