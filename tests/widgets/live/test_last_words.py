"""What a panel says last when Python exits under a run."""

from __future__ import annotations

import subprocess
import sys

STARTS = """
import sys, time
import torch
import torchdial as td

model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
monitor = td.TrainingMonitor(model, optimizer)

class Panel(td.TrainingPanel):
    def _send_message(self, content, buffers):
        status = content["frame"]["status"]
        print(status["state"], status["step"], status["ended_at"], flush=True)

panel = Panel(monitor)

def train():
    for step in monitor.loop(range(1_000_000)):
        loss = model(torch.ones(8, 4)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        monitor.log(loss=loss)
        time.sleep(0.01)

monitor.start(train)
while monitor.step < 20:
    time.sleep(0.01)
"""


def test_the_last_message_of_a_run_that_the_exit_stops_is_that_it_has_stopped() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STARTS], capture_output=True, timeout=120, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    state, step, ended_at = done.stdout.splitlines()[-1].split()
    assert (state, ended_at) == ("stopped", step)
    assert int(step) >= 20
