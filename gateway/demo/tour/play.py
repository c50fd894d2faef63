"""The chapters in their order."""

from __future__ import annotations

import traceback

from gateway.demo.narrator import Narrator, StoryBrokenError
from gateway.demo.stage import Stage
from gateway.demo.tour import asking, door, ending, masking, record, refusals, working
from gateway.demo.tour.cast import Cast

CHAPTERS = (asking, working, door, masking, refusals, ending, record)


def play(stage: Stage, narrator: Narrator) -> int:
    """Play the whole story on a stage; gives back the exit code: 0 only if every check held."""
    cast = Cast(stage, narrator)
    for chapter in CHAPTERS:
        try:
            if chapter is working:
                # Its minute runs while the chapters before its own are played.
                ending.prepare(cast)
            chapter.play(cast)
        except StoryBrokenError:
            narrator.say("The rest of the story depends on this, so it ends here.")
            break
        except Exception as error:
            # Whatever it was, the story must say so, fail, and still be put away.
            last = traceback.extract_tb(error.__traceback__)[-1]
            narrator.check(False, "the chapter is played to its end", f"{type(error).__name__}: {error}\n{last}")
    return narrator.end()
