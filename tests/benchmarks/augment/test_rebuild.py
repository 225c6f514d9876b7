from benchmarks.augment.rebuild import rebuild


def test_a_rebuild_embeds_as_many_chunks_as_have_changed():
    row = rebuild(1, chunks=1000, changed=1)
    ratio, embedded = row.figures
    assert (ratio.value, embedded.value) == (1, 1)
    assert row.reached
