"""Clients that mean no good: python3 check_hostile.py AMBLE_SERVE [REQUESTS]

2,000 idle connections, requests that stop in the middle, clients killed in mid-request, WebSockets that vanish without a word or send nonsense,
a full disk for the logs; then REQUESTS requests (200,000) with flat memory. After each the server must answer at once."""
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request

serve, requests = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200000
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
failures = 0


def start(stderr, *options):
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", serve, "--port", "0", "--threads", "1", *options], stdout=subprocess.PIPE, stderr=stderr, text=True)
    return process, int(process.stdout.readline().rsplit(":", 1)[1])


def rss():
    return int(open(f"/proc/{process.pid}/statm").read().split()[1]) * 4


def check(what, ok=None):
    global failures
    begun = time.time()
    if ok is None:
        try:
            ok = urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5).status == 200
        except OSError as error:
            ok, what = False, f"{what}: {error}"
    failures += not ok
    print(f"{'ok    ' if ok else 'FAILED'} {what} ({1000 * (time.time() - begun):.0f} ms, {rss()} KB)", flush=True)


def connect():
    return socket.create_connection(("127.0.0.1", port), timeout=10)


UPGRADE = (b"GET /v1/characters HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: YW1ibGUtYmVuY2gtY2xpZQ==\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: amble.characters.v1\r\n\r\n")


def text(message):
    return bytes([0x81, 0x80 | len(message), 0, 0, 0, 0]) + message


process, port = start(subprocess.DEVNULL, "--address-clients", "3000", "--max-characters", "200")
check("it starts")
idle = [connect() for _ in range(2000)]
check("2,000 idle connections")
for s in idle:
    s.close()
half = []
for i in range(200):
    s = connect()
    s.sendall(b"POST /v2/models/walk/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{" if i % 2 else b"GET /v2 HT")
    half.append(s)
check("200 requests that stop in the middle")
for s in half:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.close()
check("and are reset")
for _ in range(10):
    child = subprocess.Popen([sys.executable, "-c", f"""
import socket
while True:
    s = socket.create_connection(('127.0.0.1', {port}))
    s.sendall(b'POST /v2/models/walk/infer HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 100000\\r\\n\\r\\n' + b' ' * 50000)"""], stderr=subprocess.DEVNULL)
    time.sleep(.25)
    child.send_signal(signal.SIGKILL)
    child.wait()
check("clients killed in mid-request")
for _ in range(100):
    s = connect()
    s.sendall(UPGRADE + text(b'{"type":"create"}'))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.close()
check("100 WebSockets that vanish")
rng = random.Random(1)
for _ in range(3000):
    s = connect()
    s.sendall(UPGRADE)
    s.recv(65536)
    payload = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 200)))
    try:
        s.sendall(payload if rng.random() < .5 else bytes([rng.choice([0x81, 0x82, 1, 0, 0x80, 0x88, 0x89, 0xff]), 0x80 | len(payload) % 126, 0, 0, 0, 0]) + payload)
    except OSError:
        pass
    s.close()
check("3,000 WebSockets that send nonsense")
time.sleep(1)
status = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
check("no character stays", "\namble_characters 0\n" in status and "\namble_clients 0\n" in status)
slow = connect()
slow.settimeout(60)
slow.sendall(b"GET /v2 HT")
begun = time.time()
try:
    slow.recv(100)
except OSError:
    pass
check(f"a slow client is cut off after {time.time() - begun:.0f} s", time.time() - begun < 50)


def load(n):
    s, data = connect(), b""
    one = b"GET /v2/models/walk HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(n):
        s.sendall(one)
        while b"\r\n\r\n" not in data:
            data += s.recv(65536)
        head, data = data.split(b"\r\n\r\n", 1)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(data) < length:
            data += s.recv(65536)
        data = data[length:]
    s.close()


load(requests // 10)
before = rss()
load(requests)
check(f"memory after {requests} requests: {before} KB, then {rss()} KB", rss() < before * 1.02)
process.terminate()
print("ok     it ends" if process.wait(20) == 0 else "FAILED it ends")
process, port = start(open("/dev/full", "w"), "--log-requests", "--max-characters", "0")
for _ in range(100):
    urllib.request.urlopen(f"http://127.0.0.1:{port}/v2", timeout=5).read()
check("a full disk for the logs")
process.terminate()
process.wait(20)
print(f"{failures} failed" if failures else "all passed")
sys.exit(1 if failures else 0)
