"""The chapters in their order."""

from __future__ import annotations

from gateway.demo.narrator import Narrator, StoryBrokenError
from gateway.demo.stage import Stage
from gateway.demo.tour import asking, door, ending, masking, record, refusals, working
from gateway.demo.tour.cast import Cast

CHAPTERS = (asking, working, door, masking, refusals, ending, record)


def play(stage: Stage, narrator: Narrator) -> int:
    """Play the whole story on a stage; gives back the exit code: 0 only if every check held."""
    cast = Cast(stage, narrator)
    try:
        for chapter in CHAPTERS:
            if chapter is working:
                # Its minute runs while the chapters before its own are played.
                ending.prepare(cast)
            chapter.play(cast)
    except StoryBrokenError:
        narrator.say("The rest of the story depends on this, so it ends here.")
    finally:
        code = narrator.end()
    return code
