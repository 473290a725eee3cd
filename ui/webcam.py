"""A clip from the webcam, as one more source of a video.

A browser gives a camera to pages of its own machine and to pages with https only.
"""

import gradio as gr

_EXPLAINED = (
    "Let the camera stand still. A webcam takes about 30 pictures a second, so move the object slowly. Start, move it, "
    "stop, then use the clip."
)


def add_recorder() -> tuple[gr.Accordion, gr.Video, gr.Button]:
    """Put a closed recorder with its button on the page that is being built."""
    camera = gr.WebcamOptions(
        # Left and right as they are in the world.
        mirror=False,
        constraints={"video": {"width": {"ideal": 1280}, "frameRate": {"ideal": 60}}, "audio": False},
    )
    with gr.Accordion("Record with the webcam", open=False, elem_id="webcam") as accordion:
        gr.Markdown(_EXPLAINED)
        # No sound is recorded. Were gradio told so too, it would run an `ffmpeg` program, which may not be there, to
        # take it out of the file.
        recorder = gr.Video(sources=["webcam"], webcam_options=camera, include_audio=True, show_label=False, height=320)
        use = gr.Button("Use this clip", size="sm")
    return accordion, recorder, use
