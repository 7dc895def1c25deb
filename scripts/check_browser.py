"""The web pages of amble-serve in a real browser: python3 check_browser.py AMBLE_SERVE CHROMIUM FOLDER

Called by check-browser.sh. Checks that the character walks, a push moves it, a style changes its speed, a drag pulls a limb, the crowd comes
and goes, the page reconnects after the server restarts, /models runs a network, nothing is written to the console; on desktop and phone sizes.
Pictures are written into FOLDER."""
import os
import re
import signal
import subprocess
import sys
import time

from playwright.sync_api import sync_playwright

serve, chromium, folder = sys.argv[1:4]
os.makedirs(folder, exist_ok=True)
failures = []


def check(what, ok, found=""):
    print(f"{'ok    ' if ok else 'FAILED'} {what}{f' ({found})' if found != '' else ''}", flush=True)
    if not ok:
        failures.append(what)


def start(port=0):
    # It ends with this script, however that ends.
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", serve, "--port", str(port), "--threads", "1"], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[-1]


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(20)


FIGURE = "(() => { const f = stage.figure; const l = f && f.frames.at(-1); return l ? {x: l.root[0], y: l.root[1], z: l.root[2], speed: l.speed, time: l.time, down: l.down, late: l.late} : null; })()"
GONE = "document.getElementById('hint').classList.add('gone')"


def wait(page, script, seconds, what):
    end = time.time() + seconds
    while time.time() < end:
        if page.evaluate(script):
            check(what, True, f"{seconds - (end - time.time()):.1f} s")
            return True
        time.sleep(.05)
    check(what, False, f"not within {seconds} s")
    return False


def visit(browser, at, name, **options):
    global process
    context = browser.new_context(**options)
    page = context.new_page()
    console = []
    page.on("console", lambda m: console.append(m.text) if m.type in ("error", "warning") and "GPU stall" not in m.text else None)
    page.on("pageerror", lambda e: console.append(str(e)))
    begun = time.time()
    page.goto(at)
    wait(page, f"!!window.stage && !!{FIGURE}", 15, f"{name}: a character walks")
    print(f"       {time.time() - begun:.2f} s after the address was opened")
    wait(page, f"{FIGURE}.speed > .5", 15, f"{name}: it walks")
    page.wait_for_timeout(1500)
    page.screenshot(path=f"{folder}/{name}.png")
    before = page.evaluate(FIGURE)
    box = page.locator("#view").bounding_box()
    middle = page.evaluate("stage.centre()")
    page.mouse.click(middle[0], middle[1])
    page.wait_for_timeout(250)
    after = page.evaluate(FIGURE)
    check(f"{name}: a click on the figure pushes it", page.evaluate("stage.pushes") > 0)
    check(f"{name}: it stays in sight", box["width"] > 0 and after["time"] > before["time"])
    page.wait_for_timeout(2500)
    wait(page, f"!{FIGURE}.down", 10, f"{name}: it is on its feet")
    page.get_by_role("button", name=re.compile("^run")).first.click()
    wait(page, f"{FIGURE}.speed > 2", 20, f"{name}: the style run is faster")
    page.screenshot(path=f"{folder}/{name}-run.png")
    page.keyboard.press("m")
    page.wait_for_timeout(300)
    page.screenshot(path=f"{folder}/{name}-mix.png")
    page.keyboard.press("m")
    page.get_by_role("button", name=re.compile("^walk")).first.click()
    wait(page, f"{FIGURE}.speed < 1.7", 20, f"{name}: walk is slower")
    for _ in range(8):  # on a busy machine the figure has moved on when the button goes down
        middle = page.evaluate("stage.centre()")
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 60, middle[1] - 50, steps=6)
        if page.evaluate("stage.pulling()"):
            break
        page.mouse.up()
    wait(page, "stage.figure.frames.at(-1).pulled", 10, f"{name}: a drag pulls it")
    page.screenshot(path=f"{folder}/{name}-pull.png")
    page.mouse.up()
    wait(page, "!stage.figure.frames.at(-1).pulled", 10, f"{name}: and lets go")
    page.get_by_role("button", name="crowd").click()
    wait(page, "stage.figures.size > 15", 20, f"{name}: a crowd comes")
    page.wait_for_timeout(2500)
    page.screenshot(path=f"{folder}/{name}-crowd.png")
    page.get_by_role("button", name="crowd").click()
    wait(page, "stage.figures.size === 1", 20, f"{name}: and goes")
    stop(process)
    wait(page, "!document.getElementById('notice').hidden", 10, f"{name}: it says that the server is gone")
    page.screenshot(path=f"{folder}/{name}-lost.png")
    lost = len(console)
    process, _ = start(int(at.rsplit(":", 1)[1]))
    wait(page, f"document.getElementById('notice').hidden && !!{FIGURE}", 20, f"{name}: it reconnects")
    refused = [t for t in console if "WebSocket" in t or "ERR_CONNECTION" in t]
    check(f"{name}: nothing else on the console", len(console) == len(refused), "; ".join(t for t in console if t not in refused))
    assert lost >= 0
    page.goto(at + "/models")
    page.get_by_role("button", name="Run").first.wait_for()
    wait(page, "document.querySelectorAll('.card').length > 8", 10, f"{name}: /models lists the networks")
    page.get_by_role("button", name="Run").first.click()
    wait(page, "document.querySelector('.result').textContent.includes('numbers from')", 10, f"{name}: and runs one")
    page.screenshot(path=f"{folder}/{name}-models.png")
    context.close()


process, address = start()
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
                                                                         "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"])
    sizes = {"desktop": {"viewport": {"width": 1280, "height": 800}},
             "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}}
    for name in sys.argv[4:] or sizes:
        visit(browser, address, name, **sizes[name])
    browser.close()
stop(process)
print(f"{len(failures)} failed" if failures else "all passed")
sys.exit(1 if failures else 0)
