"""What a person sees: the page in Debian's Chromium, driven by Playwright.

    apt-get install chromium && .venv/bin/python -m pytest tests/ui/test_browser.py

Pictures of the page are left in out/screenshots, to be looked at.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.ui import fake
from tests.ui.lossy_network import late_ends
from trajvlm.ui.chat import serve
from trajvlm.ui.login import line_of
from trajvlm.ui.network_loading import BackgroundDescriber, load_describer

CHROMIUM = shutil.which("chromium")
SCREENSHOTS = Path("out/screenshots")
PATIENCE_MS = 120_000
"""The browser and the page may have to share the processor."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine; `apt-get install chromium`"),
]


class ByName(fake.FakeDescriber):
    """A describer that knows a swing from a throw by the file's name, so that answers can't be mixed up unseen."""

    def describe(self, video, *arguments, **options):
        family = "oscillating" if "swing" in str(video) else "parabolic"
        return fake.FakeDescriber(family=family, measures=True).describe(video, *arguments, **options)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="`pip install playwright`")
    with playwright.sync_playwright() as started:
        # Chromium's own sandbox does not work for root, which is who runs in a container.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        # A camera that films a test picture, and nobody who has to allow it.
        arguments += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url():
    page = serve(describer=ByName(), wait=False)
    yield page.local_url
    page.close()


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    fake.write_video(folder / "throw.mp4", path_of_ball=fake.THROW)
    fake.write_video(folder / "swing.mp4", path_of_ball=fake.SWING)
    (folder / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    return folder


@pytest.fixture()
def visit(browser, url):
    """Opens the page as one more person, in a window of a given size."""
    people = []

    def come(width=1280, height=900, address=url):
        people.append(browser.new_context(viewport={"width": width, "height": height}))
        people[-1].set_default_timeout(PATIENCE_MS)
        page = people[-1].new_page()
        page.goto(address)
        page.get_by_placeholder("Ask, or add a video").wait_for()
        return page

    yield come
    for person in people:
        person.close()


def send(page, text, *files):
    if files:
        page.locator("input[type=file]").first.set_input_files([str(file) for file in files])
        page.locator(".thumbnails, .thumbnail-item").first.wait_for()
    box = page.get_by_placeholder("Ask, or add a video")
    box.fill(text)
    box.press("Enter")


def wait_for(page, words):
    page.locator("#chat").get_by_text(re.compile(words)).first.wait_for()


def settled(page):
    """Wait for the buttons with further questions, which come last."""
    page.get_by_role("button", name="Show the tokens").last.wait_for()


def in_view(page, words):
    """Wait until a message begins in the upper half of the window."""
    message = page.locator("#chat").get_by_text(words).last.element_handle()
    page.wait_for_function(
        "m => { const y = m.getBoundingClientRect().top; return y >= 0 && y < innerHeight / 2; }", arg=message
    )


def width_of_everything(page):
    return page.evaluate("document.documentElement.scrollWidth")


def picture(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_a_clip_is_uploaded_and_everything_is_seen_and_asked_on(visit, videos):
    page = visit()
    picture(page, "empty-1280")
    send(page, "what motion is it?", videos / "throw.mp4")
    settled(page)
    chat = page.locator("#chat")
    assert chat.locator(".families .best .name").first.inner_text() == "parabolic"
    assert "x" in chat.locator(".katex").first.inner_text()
    measured = chat.get_by_text("acceleration 364.5").last.inner_text().replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"acceleration 364\.50 ± 0\.\d\d px/s²", measured)
    chat.get_by_role("button", name="2 phases: parabolic, at rest").click()
    chat.get_by_text("1.40 to 1.60 s at rest").first.wait_for()
    chat.locator(".js-plotly-plot canvas, .js-plotly-plot .main-svg").first.wait_for()
    overlay = chat.locator("video").last
    overlay.scroll_into_view_if_needed()
    page.wait_for_function("v => v.videoWidth > 0", arg=overlay.element_handle())
    picture(page, "answer-1280")
    send(page, "how fast is it at 0.5 s?")
    wait_for(page, r"u/s")
    chat.get_by_role("button", name="What is the equation?").last.click()
    page.wait_for_function("document.querySelectorAll('#chat .katex-display').length >= 2")
    settled(page)
    assert width_of_everything(page) <= 1280
    picture(page, "asked-on-1280")


def test_a_question_and_its_answer_come_first_and_fit_on_a_screen_and_a_half(visit, videos):
    page = visit()
    send(page, "what motion is it?", videos / "throw.mp4")
    settled(page)
    chat = page.locator("#chat")
    # On a busy machine the page is laid out some moments after it holds all.
    page.wait_for_function(
        """() => ["user-row", "bot-row"].map(row => document.querySelector(`#chat .${row}`).offsetHeight)
        .reduce((a, b) => a + b) < 1.5 * 900"""
    )
    assert chat.get_by_text("The motion is parabolic").bounding_box()["height"] < 60
    assert chat.get_by_text("can't tell how large").count() == 0
    chat.get_by_role("button", name="Notes and limits").click()
    wait_for(page, "can't tell how large")
    wait_for(page, "More than one object moves")


def test_a_telephone_shows_it_all_without_scrolling_sideways(visit, videos):
    page = visit(390, 844)
    picture(page, "empty-390")
    send(page, "what motion is it?", videos / "throw.mp4")
    settled(page)
    page.locator("#chat .families").first.scroll_into_view_if_needed()
    picture(page, "answer-390")
    page.locator("#chat .js-plotly-plot").first.scroll_into_view_if_needed()
    picture(page, "space-390")
    assert width_of_everything(page) <= 390


def test_a_question_stays_in_view_while_what_is_above_it_still_changes(visit, videos):
    page = visit(390, 844)
    # Chromium would hold what is in view by itself, other browsers do not.
    page.add_style_tag(content="* { overflow-anchor: none !important; }")
    send(page, "what motion is it?", videos / "throw.mp4")
    settled(page)
    send(page, "how fast is it at 0.5 s?")
    wait_for(page, r"u/s")
    settled(page)
    grow = "document.querySelector('#chat .user-row').style.minHeight = '%dpx'"
    page.evaluate(grow % 900)
    in_view(page, "how fast is it at 0.5 s?")
    page.mouse.wheel(0, -400)
    page.wait_for_function("document.querySelectorAll('#chat .user-row')[1].getBoundingClientRect().top > 200")
    before = page.evaluate("scrollY")
    page.evaluate(grow % 1800)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("scrollY") == before


def test_a_broken_file_is_a_sentence(visit, videos):
    page = visit()
    send(page, "what is it?", videos / "broken.mp4")
    wait_for(page, r"^broken\.mp4 is not a video, or it is damaged; .*\.$")
    assert page.get_by_text("Traceback").count() == 0


@pytest.mark.parametrize("width, height", [(1280, 900), (390, 844)])
def test_a_window_and_a_scale_are_set_without_words(visit, videos, width, height):
    page = visit(width, height)
    page.get_by_role("button", name="Window, scale and frame rate").click()
    panel = page.locator("#window-and-scale")
    panel.get_by_text("Give a video first").wait_for()
    look = panel.get_by_role("button", name="Look at this stretch")
    assert look.count() == 0
    send(page, "", videos / "throw.mp4")
    settled(page)
    panel.get_by_text("lasts 1.63 s").wait_for()
    for label, seconds in (("Start", 0.3), ("End", 1.25)):
        number = panel.get_by_label(re.compile(f"number input for {label}"))
        number.fill(str(seconds))
        number.press("Tab")
    picture(page, f"window-and-scale-{width}")
    assert width_of_everything(page) <= width
    look.click()
    wait_for(page, r"0\.30 to 1\.25 s of the video")
    settled(page)
    panel.get_by_text("0.30 to 1.25 s were looked at").wait_for()
    panel.get_by_role("button", name="Set the scale").click()
    page.get_by_text("A scale is a positive number").first.wait_for()
    assert page.get_by_text("Error", exact=True).count() == 0
    panel.get_by_label("Known length").fill("24")
    panel.get_by_role("button", name="Set the scale").click()
    wait_for(page, r"Scale set: the object is 0\.24 m wide")
    wait_for(page, r"m/s²")
    in_view(page, "The object is 24 cm wide. What was g?")
    picture(page, f"scale-set-{width}")
    panel.get_by_label("Frames a second").fill("240")
    panel.get_by_role("button", name="Set the frame rate").click()
    wait_for(page, r"describe_video\(frames_per_second = 240")
    in_view(page, "It was filmed at 240 frames per second.")


def test_the_panel_follows_the_chat_though_the_end_of_an_event_comes_late(visit, url, videos):
    with late_ends(url) as address:
        page = visit(address=address)
        page.get_by_role("button", name="Window, scale and frame rate").click()
        panel = page.locator("#window-and-scale")
        send(page, "what motion is it?", videos / "throw.mp4")
        panel.get_by_text("lasts 1.63 s").wait_for()
        # An empty chat is drawn so quickly that what follows is asked for before the end of its event has come.
        page.get_by_role("button", name="New chat").click()
        panel.get_by_text("Give a video first").wait_for()


def on_stage(page):
    stage = page.locator("#stage .picture")
    stage.wait_for()
    page.wait_for_function("() => document.querySelector('#stage video')?.readyState >= 2")
    return stage


def test_the_stage_steps_by_keys_and_says_how_far_the_curve_is(visit, videos):
    page = visit()
    send(page, "what motion is it?", videos / "throw.mp4")
    stage, told = on_stage(page), page.locator("#stage .now")
    assert re.match(r"frame 1 of 49, 0\.000 s: x [\d.]+, y [\d.]+ px; [\d.]+ px from the curve", told.inner_text())
    assert page.locator("#stage .head").inner_text() == "parabolic"
    # The page shows it by itself.
    page.wait_for_function("() => Math.abs(document.querySelector('#stage').getBoundingClientRect().top) < 100")
    stage.focus()
    for key, frame in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", 49), ("Home", 1)):
        stage.press(key)
        assert told.inner_text().startswith(f"frame {frame} of 49")
    page.get_by_role("button", name="Frame after").click()
    assert told.inner_text().startswith("frame 2 of 49")
    picture(page, "stage-1280")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_stick_is_two_clicks_and_a_length(visit, videos, width, height):
    page = visit(width, height)
    send(page, "what motion is it?", videos / "throw.mp4")
    stage = on_stage(page)
    settled(page)
    stage.scroll_into_view_if_needed()
    page.get_by_role("button", name="Lay a stick").click()
    box = stage.bounding_box()
    for share in (0.25, 0.75):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    page.get_by_label("How long the stick is").fill("0.8 m")
    picture(page, f"stick-{width}")
    page.keyboard.press("Enter")
    # Half of the 480 pixels is 0.8 m: 300 in a metre.
    page.locator("#stage .number").get_by_text(re.compile(r"g 1\.2")).wait_for()
    wait_for(page, "It is 0.8 m between")
    assert width_of_everything(page) <= width


def test_the_stage_works_without_a_mouse(visit, videos):
    page = visit()
    send(page, "what motion is it?", videos / "throw.mp4")
    stage = on_stage(page)
    settled(page)
    page.get_by_role("button", name="Lay a stick").focus()
    page.keyboard.press("Enter")
    assert stage.evaluate("s => s === document.activeElement")
    page.keyboard.press("Enter")
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("0.4 m")
    page.keyboard.press("Enter")
    page.locator("#stage .number").get_by_text(re.compile(r"g 1\.2")).wait_for()


def test_a_stretch_of_the_strip_and_a_phase_are_described_anew(visit, videos):
    page = visit()
    send(page, "what motion is it?", videos / "throw.mp4")
    on_stage(page)
    settled(page)
    first = page.locator("#stage .grip").first
    first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_role("button", name=re.compile(r"Describe 0\.10 to 1\.40 s")).click()
    wait_for(page, re.escape("Look at the stretch from 0.1 to 1.4 s."))
    page.locator("#stage").get_by_role("button", name=re.compile("at rest")).click()
    page.get_by_role("button", name=re.compile(r"Describe 1\.40 to 1\.60 s")).wait_for()


def test_a_click_points_at_the_object(visit, videos):
    page = visit()
    send(page, "what motion is it?", videos / "throw.mp4")
    stage = on_stage(page)
    settled(page)
    page.get_by_role("button", name="Point at the object").click()
    box = stage.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    wait_for(page, r"The one at 160,13\d at 0.000 s")


def test_a_webcam_clip_is_recorded_and_described(visit):
    page = visit()
    page.get_by_role("button", name="Record with the webcam").click()
    panel = page.locator("#webcam")
    panel.get_by_role("button", name="Use this clip").click()
    page.get_by_text("Nothing was recorded yet").first.wait_for()
    panel.get_by_title("grant webcam access").click()
    panel.get_by_title("start recording").click()
    page.wait_for_timeout(3000)
    panel.get_by_title("stop recording").click()
    clip = panel.locator("video[src]")
    page.wait_for_function("v => v.videoWidth > 0", arg=clip.element_handle())
    picture(page, "webcam-1280")
    # Gradio's scissors would fetch a program from the network.
    assert panel.get_by_label("Trim video to selection").is_hidden()
    panel.get_by_role("button", name="Use this clip").click()
    settled(page)
    assert page.locator("#chat .families").count() == 1
    page.get_by_role("button", name="Window, scale and frame rate").click()
    page.locator("#window-and-scale").get_by_text("webcam-1.webm").wait_for()
    assert not panel.get_by_role("button", name="Use this clip").is_visible()


def test_a_login_file_asks_for_a_name_first(browser, tmp_path):
    (tmp_path / "people.txt").write_text(line_of("ada", "pferd"))
    guarded = serve(describer=ByName(), wait=False, login=tmp_path / "people.txt")
    person = browser.new_context()
    person.set_default_timeout(PATIENCE_MS)
    try:
        page = person.new_page()
        page.goto(guarded.local_url)
        page.get_by_label("username").fill("ada")
        page.get_by_label("password").fill("pferd")
        assert page.get_by_placeholder("Ask, or add a video").count() == 0
        picture(page, "login-1280")
        page.get_by_role("button", name="Login").click()
        page.get_by_placeholder("Ask, or add a video").wait_for()
    finally:
        person.close()
        guarded.close()


def test_two_people_at_once_get_their_own_answers(visit, videos):
    ada, bob = visit(), visit()
    send(ada, "what motion is it?", videos / "throw.mp4")
    send(bob, "what motion is it?", videos / "swing.mp4")
    for page, family, other in ((ada, "parabolic", "oscillating"), (bob, "oscillating", "parabolic")):
        settled(page)
        assert page.locator("#chat .families .best .name").all_inner_texts() == [family]
        assert page.locator("#chat").get_by_text(f"The motion is {other}").count() == 0
    send(ada, "the ball is 24 cm wide, how fast is it at 0.5 s?")
    send(bob, "how fast is it at 0.5 s?")
    wait_for(ada, r"m/s\.")
    wait_for(bob, r"u/s\.")


def test_the_real_networks_name_a_rendered_throw(visit):
    page_server = serve(describer=BackgroundDescriber(load_describer), wait=False)
    try:
        page = visit(address=page_server.local_url)
        page.get_by_role("button", name="Try a throw").click()
        settled(page)
        assert page.locator("#chat .families .best .name").first.inner_text() == "parabolic"
        page.locator("#chat .families").first.scroll_into_view_if_needed()
        picture(page, "real-1280")
    finally:
        page_server.close()
