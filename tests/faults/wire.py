"""A page's socket that loses messages."""

from __future__ import annotations

# Of the messages of live plots a fifth is lost, a fifth comes late and so out of order.
LOSSY = """() => {
  let state = 7;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const sorts = /"type": ?"(delta|keyframe|done)"/;
  const Native = window.WebSocket;
  const fate = { lost: 0, late: 0, isLossy: true };
  window.fate = fate;
  window.WebSocket = class extends Native {
    set onmessage(hear) {
      super.onmessage = event => {
        const { data } = event;
        const text = typeof data === 'string' ? data : new TextDecoder('latin1').decode(data);
        const chance = fate.isLossy && sorts.test(text) ? random() : 1;
        if (chance < 0.2) fate.lost++;
        else if (chance < 0.4) { fate.late++; setTimeout(() => hear(event), 1000 * random()); }
        else hear(event);
      };
    }
  };
}"""
