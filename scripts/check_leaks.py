"""Memory of amble-serve over many requests: python3 check_leaks.py AMBLE_SERVE AMBLE_BENCH [REQUESTS]

REQUESTS (10,000,000) over kept-alive connections to one server, in parts: the walking actor at batch 1, in binary and JSON, bad requests of
several kinds, metadata, connections that come and go (amble-bench requests --mix); beside them WebSocket sessions with live characters that
come and go, some of them without a word. After each part, when no character is left, the server's resident memory is read. It may not grow by
more than 2 % from the first part, which warms up, to the last."""
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

serve, bench = sys.argv[1:3]
requests = int(sys.argv[3]) if len(sys.argv) > 3 else 10000000
PARTS = 20
UPGRADE = (b"GET /v1/characters HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: YW1ibGUtYmVuY2gtY2xpZQ==\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: amble.characters.v1\r\n\r\n")
server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", serve, "--port", "0", "--threads", "1", "--simulation-threads", "1", "--max-characters",
                           "16", "--address-clients", "64"], stdout=subprocess.PIPE, text=True)
port = int(server.stdout.readline().rsplit(":", 1)[1])
counts = {"sessions": 0, "failed": 0}
pause, stopped = threading.Event(), threading.Event()


def frame(message):
    data = json.dumps(message).encode()
    head = bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else bytes([0x81, 0xfe]) + struct.pack(">H", len(data))
    return head + bytes(4) + data


def read_until(s, text):
    data = b""
    while text not in data:
        more = s.recv(65536)
        if not more:
            raise OSError("the connection ended")
        data = data[-1000:] + more


def session(rng):
    """One client: creates a character, pushes it, watches it for a moment, and leaves in one of three ways."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(UPGRADE + frame({"type": "create", "style": rng.choice(["walk", "run", "walk:0.7,zombie:0.3"]), "seed": rng.randrange(1000),
                                   "shared": rng.random() < .3, "format": rng.choice(["float32", "quantised"])}))
        read_until(s, b'"type":"created"')
        s.sendall(frame({"type": "list", "id": [1]}) + frame({"type": "create", "style": "ballet"}) + frame({"type": "nonsense"}))
        read_until(s, b'there is no message')
        time.sleep(rng.random() * .3)
        if rng.random() < .5:  # no goodbye
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            s.sendall(b"\x88\x82\0\0\0\0" + struct.pack(">H", 1000))


def sessions():
    rng = random.Random(1)
    while not stopped.is_set():
        if pause.is_set():
            time.sleep(.05)
            continue
        try:
            session(rng)
            counts["sessions"] += 1
        except OSError:
            counts["failed"] += 1
        time.sleep(.1)


def ask(path):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).read()


def threads():
    """The server's threads, what they wait for, and their CPU time: for a report of a failure."""
    lines = []
    for task in os.listdir(f"/proc/{server.pid}/task"):
        fields = open(f"/proc/{server.pid}/task/{task}/stat").read().rsplit(")", 1)[1].split()
        lines.append(f"{task} {fields[0]} {int(fields[11]) + int(fields[12])} ticks")
    return ", ".join(lines)


def memory():
    """kB, when no session is open and no character lives."""
    pause.set()
    for _ in range(400):
        status = json.loads(ask("/v1/status"))["characters"]
        if status["now"] == status["clients"] == 0:
            break
        time.sleep(.05)
    else:
        sys.exit("FAILED: characters or clients are left")
    kb = int(open(f"/proc/{server.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    pause.clear()
    return kb


threading.Thread(target=sessions, daemon=True).start()
sizes, done, begun = [], 0, time.time()
for part in range(PARTS):
    n = requests * (part + 1) // PARTS - done
    run = subprocess.run([bench, "requests", "--port", str(port), "--count", str(n), "--mix", "--json", "-"], capture_output=True, text=True)
    if run.returncode:
        try:
            state = "it still answers others: " + ask("/v1/status").decode()[:300]
        except OSError as error:
            state = f"it answers nobody: {error}"
        sys.exit(f"FAILED: {run.stderr.strip() or run.stdout.strip()}; {state}; {threads()}")
    done += n
    sizes.append(memory())
    print(f"{done:9d} requests, {counts['sessions']:6d} sessions, {time.time() - begun:6.0f} s: {sizes[-1]} KB", flush=True)
stopped.set()
server.terminate()
status = server.wait(30)
growth = max(sizes[-3:]) / sizes[0] - 1
ok = growth <= .02 and status == 0 and counts["failed"] == 0 and counts["sessions"] > 0
print(f"{'ok' if ok else 'FAILED'}: {done} requests and {counts['sessions']} sessions ({counts['failed']} failed): {100 * growth:+.2f} % memory, "
      f"exit status {status}")
sys.exit(0 if ok else 1)
