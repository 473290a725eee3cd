"""The page's fonts, layout and scrolling. The fonts are the system's, so that nothing is fetched."""

import gradio as gr

THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.orange,
    neutral_hue=gr.themes.colors.slate,
    font=["system-ui", "Segoe UI", "Roboto", "Helvetica", "Arial", "sans-serif"],
    font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
)
SCROLL = """() => {
  const chat = document.querySelector("#chat");
  let seen = 0, held = false;
  const hold = () => { if (held) [...chat.querySelectorAll(".user-row")].pop()?.scrollIntoView(); };
  new MutationObserver(() => {
    const questions = chat.querySelectorAll(".user-row").length;
    if (questions > seen) { held = !document.activeElement?.closest("#stage"); hold(); }
    seen = questions;
  }).observe(chat, { childList: true, subtree: true });
  new ResizeObserver(hold).observe(document.body);
  document.addEventListener("stage", () => {
    if (!held) return;
    held = false;
    document.querySelector("#stage").scrollIntoView();
  });
  for (const act of ["wheel", "touchmove", "pointerdown", "keydown"])
    addEventListener(act, () => { held = false; }, { capture: true, passive: true });
}"""
"""Runs once when the page is open. Scrolls each new question to the top of the window, with its answer below, and keeps
it there while the page changes its height (plots and videos load late, buttons go), until the person scrolls, clicks or
types. When a new film comes on the stage, which has its answer on it, the stage is scrolled to instead; who works there
stays there."""
CSS = """
.gradio-container { max-width: 960px !important; margin: 0 auto !important; }
#head { align-items: center; }
#status { opacity: 0.75; font-size: 0.9em; }
#stage { scroll-margin-top: 0.6em; }
#samples { display: grid; grid-template-columns: repeat(5, 1fr); gap: 0.6em; }
@media (max-width: 600px) { #samples { grid-template-columns: repeat(2, 1fr); } }
#chat .message-row { padding-top: 0.8em; padding-bottom: 0.8em; }
#chat .user-row { scroll-margin-top: 3em; }
#chat .user-row video { max-height: 7em; }
/* Side by side where there is room: the families and the equation, the video and the path in space, the two tables.
   Gradio cuts selectors at their commas, so there is none between brackets. */
@media (min-width: 800px) {
  #chat .bot.message { display: grid; grid-template-columns: 1fr 1fr; column-gap: 1em; align-items: start; }
  #chat .bot.message > * { grid-column: 1 / -1; min-width: 0; }
  #chat .bot.message > :has(.families),
  #chat .bot.message > :has(.families) ~ :has(.katex-display),
  #chat .bot.message > :has(video),
  #chat .bot.message > :has(.js-plotly-plot),
  #chat .bot.message > :has(.file-container) { grid-column: auto; }
}
.families p { margin: 0 0 0.5em; }
.families .doubt { margin: 0.7em 0; padding-left: 0.7em; border-left: 3px solid #e0a100; }
.families .measured { margin: 0 0 0.7em; }
.families .measured p { margin: 0; font-weight: 600; }
.families .measured .how { margin: 0.2em 0 0; font-weight: 400; font-size: 0.85em; opacity: 0.8; }
.family { display: flex; align-items: center; gap: 0.6em; margin: 0.25em 0; font-size: 0.92em; }
.family .name { width: 6.5em; }
.family .track { flex: 1; max-width: 22em; height: 0.7em; border-radius: 0.35em; background: rgba(139,147,161,0.25); }
.family .fill { display: block; height: 100%; border-radius: 0.35em; background: #8b93a1; }
.family.best .fill { background: #e4572e; }
.family.best .name, .family.best .share { font-weight: 600; }
.family .share { width: 3em; white-space: nowrap; }
#chat .katex-display {
  contain: inline-size; overflow-x: auto; overflow-y: hidden; padding: 0.2em 0; text-align: left;
}
/* Gradio's buttons under a message would share it on another site. */
#chat [class*="message-buttons"] { display: none; }
/* Gradio's trimming would fetch a program from another site; the window is chosen after the description. */
#webcam button[aria-label="Trim video to selection"] { display: none; }
#webcam button[aria-label="Reset video to initial value"] { display: none; }
/* A recording does not say how long it is, which the player would write as Infinity:NaN. */
#webcam .time { display: none; }
#chat .katex-display > .katex { text-align: left; }
#chat .placeholder-content, #chat .placeholder { padding: 1em; }
#chat .js-plotly-plot, #chat .plot-container { max-width: 100%; }
#chat video, #chat img { max-width: 100%; height: auto; }
#chat video { width: auto; max-height: 28em; }
#chat .wrap:has(> .mirror-wrap) { width: fit-content; }
"""
