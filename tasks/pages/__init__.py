"""Pages for people: an evaluation beside the champion, and a turn of the loop. The difference comes first."""
