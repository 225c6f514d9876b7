from tasks.rollout.placing import copy_of, is_drawn, original_of, person_of

PEOPLE = [person_of(f"user {n}", "hello") for n in range(4000)]


def test_as_many_people_are_drawn_as_the_share_says():
    drawn = sum(is_drawn("rel", person, 0.2) for person in PEOPLE)
    assert 0.17 < drawn / len(PEOPLE) < 0.23


def test_who_is_drawn_stays_so_when_the_share_grows():
    few = {person for person in PEOPLE if is_drawn("rel", person, 0.05)}
    many = {person for person in PEOPLE if is_drawn("rel", person, 0.5)}
    assert few < many


def test_another_release_draws_others():
    first = {person for person in PEOPLE if is_drawn("one", person, 0.2)}
    second = {person for person in PEOPLE if is_drawn("two", person, 0.2)}
    assert len(first & second) < 0.3 * len(first)


def test_a_person_is_the_clients_name_for_the_user_else_the_conversation():
    assert person_of("minji", "hello") == person_of("minji", "good morning")
    assert person_of(None, "hello") == person_of("", "hello") != person_of(None, "good morning")
    assert "minji" not in person_of("minji", "hello")
    assert person_of("hello", "") != person_of(None, "hello")


def test_half_a_character_is_somebody_too():
    assert person_of(None, "\ud800")


def test_a_copy_is_found_by_its_request():
    assert original_of(copy_of("chatcmpl-1")) == original_of("chatcmpl-1") == "chatcmpl-1"
