"""A folder of results: for each video a picture, a JSON file and the object's track."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from trajvlm.data.errors import UserError
from trajvlm.data.files import atomic_write
from trajvlm.ui.answer_details import NOTHING, Extras

if TYPE_CHECKING:
    from trajvlm.vlm.described import Described


class Results:
    """A folder of results: for each video a picture, a JSON file and the object's track, under the video's own name.

    Results of another video are never overwritten: the second `throw` becomes `throw-2`. Those of the same video, from
    an earlier run, are.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._taken: set[str] = set()

    def save(self, video: Path, description: "Described", fps: float | None = None, extras: Extras = NOTHING) -> Path:
        """Write the files, of two views under the left video's name, and return the picture's path; raises UserError
        where the folder can't be written to."""
        from trajvlm.ui.figures import draw
        from trajvlm.ui.pair_figure import draw_pair
        from trajvlm.ui.track_table import write_track

        name, number = video.stem, 2
        while name in self._taken or self._belongs_to_another(name, video):
            name, number = f"{video.stem}-{number}", number + 1
        self._taken.add(name)
        picture = self.folder / f"{name}.png"
        answer = {"video": str(video), **description.to_dict(), **extras.to_dict(description)}
        try:
            with atomic_write(picture) as draft:
                if description.calibrated:
                    draw_pair(description, draft, fps)
                else:
                    draw(description.views[0], draft, fps)
            with atomic_write(self.folder / f"{name}.json") as draft:
                draft.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
            for view, projection in zip(description.views, description.projections):
                if view.filmed_track is not None:
                    side = f"-{projection.side}" if projection.side else ""
                    with atomic_write(self.folder / f"{name}{side}.track.csv") as draft:
                        write_track(view, draft)
        except OSError as error:
            raise UserError(f"{self.folder} can't be written to ({error.strerror}); choose another folder") from error
        return picture

    def _belongs_to_another(self, name: str, video: Path) -> bool:
        record = self.folder / f"{name}.json"
        if not record.exists():
            return (self.folder / f"{name}.png").exists()
        try:
            return Path(json.loads(record.read_text(encoding="utf-8"))["video"]).resolve() != video.resolve()
        except (OSError, ValueError, KeyError, TypeError):
            return True
