"""Walks through the gateway's console as a person would, and reports what a hostile page would have done.

console.py URL NAME PASSWORD [SHOTS]

With NAME "sso" it signs in through the identity provider, as the person PASSWORD (name and password are the same there).
"""
import json
import pathlib
import sys

from playwright.sync_api import sync_playwright

PAGES_MAX = 80
WIDTHS = [1280, 400]


def sign_in(page, url, name, password):
    page.goto(url + "/login")
    if name == "sso":
        page.click("a.button")
        page.fill("[name=user]", password)
        page.fill("[name=password]", password)
        page.click("button[type=submit]")
    else:
        page.fill("[name=name]", name)
        page.fill("[name=password]", password)
        page.click("main form button")
    page.wait_for_url(url + "/approvals")


def walk(page, url, report, shots):
    """Every page that links lead to, each once."""
    waiting, seen = ["/approvals"], set()
    while waiting and len(seen) < PAGES_MAX:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        answer = page.goto(url + path)
        report["pages"].append({"path": path, "status": answer.status, "title": page.title()})
        for element in page.query_selector_all("details:not([open]) > summary"):
            element.click()
        if page.evaluate("window.pwned"):
            report["scripts"].append(path)
        # What a mouse would set off.
        page.evaluate("""() => { for (const element of document.querySelectorAll('main *'))
            for (const kind of ['mouseover', 'focus', 'error', 'load', 'animationstart'])
              element.dispatchEvent(new Event(kind)); }""")
        if page.evaluate("window.pwned"):
            report["scripts"].append(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            report["overflows"].append({"path": path, "width": page.viewport_size["width"], "by": wide})
        if shots:
            name = path.strip("/").replace("/", "-").partition("?")[0] or "root"
            page.screenshot(path=shots / f"{name}-{page.viewport_size['width']}.png", full_page=True)
        for link in page.query_selector_all("a[href^='/']"):
            target = link.get_attribute("href").partition("#")[0]
            if target not in seen and not target.startswith("/assets"):
                waiting.append(target)


def main(url, name, password, shots=None):
    report = {"pages": [], "scripts": [], "dialogs": [], "errors": [], "overflows": [], "requests": []}
    if shots:
        shots = pathlib.Path(shots)
        shots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        for width in WIDTHS:
            context = browser.new_context(viewport={"width": width, "height": 900})
            page = context.new_page()
            sign_in(page, url, name, password)
            page.on("dialog", lambda dialog: (report["dialogs"].append(dialog.message), dialog.dismiss()))
            page.on("console", lambda line: line.type == "error" and report["errors"].append(line.text))
            page.on("pageerror", lambda error: report["errors"].append(str(error)))
            page.on("request", lambda request: request.url.startswith(url) or report["requests"].append(request.url))
            walk(page, url, report, shots)
            context.close()
        browser.close()
    print(json.dumps(report))


main(*sys.argv[1:])
