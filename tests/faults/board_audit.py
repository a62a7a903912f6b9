"""The audit of boards: statements that find each row of boards and previews which breaks a rule of the product.

Each statement returns the rows that break its rule, so a sound database has none. It counts on no history of its own:
listings and events are kept, and what postings say now must follow from them.
"""

from typing import Any

import psycopg

from tests.faults.sql_rules import broken_rules

ENDED = "SELECT * FROM listings WHERE state <> 'reading'"

CLOSINGS = """
SELECT events.posting_id, events.reason, postings.board_id, first.board_id AS first_board, last.board_id AS last_board,
       first.listing_id AS first_id, last.listing_id AS last_id, first.state AS first_state, last.state AS last_state,
       extract(epoch FROM last.began_at - first.began_at) AS seconds, last.found, last.code AS last_code
FROM posting_events AS events
JOIN postings USING (posting_id)
LEFT JOIN listings AS first ON first.listing_id = events.witness_listing_id
LEFT JOIN listings AS last ON last.listing_id = events.listing_id
WHERE events.kind = 'closed'
"""

REPLAYED = """
SELECT posting_id, array_agg(kind ORDER BY event_id) AS kinds,
       array_agg(listing_id ORDER BY event_id) FILTER (WHERE kind = 'closed') AS closings,
       array_agg(listing_id ORDER BY event_id) FILTER (WHERE kind = 'missing') AS misses
FROM posting_events GROUP BY posting_id
"""

EMPTY_ROW = """
SELECT count(*) FROM listings AS empty
WHERE empty.board_id = closings.board_id AND empty.state = 'empty' AND empty.listing_id < closings.last_id
  AND NOT EXISTS (
      SELECT FROM listings AS other WHERE other.board_id = empty.board_id AND other.found + other.unparsed > 0
      AND other.listing_id > empty.listing_id AND other.listing_id < closings.last_id
      AND other.state <> 'unchanged'
  )
"""

GONE_ROW = """
SELECT count(*) FROM listings AS gone
WHERE gone.board_id = closings.board_id AND gone.state = 'failed' AND gone.code IN ('not_found', 'gone')
  AND gone.listing_id <= closings.last_id
  AND NOT EXISTS (
      SELECT FROM listings AS other WHERE other.board_id = gone.board_id AND other.state NOT IN ('failed', 'reading')
      AND other.listing_id > gone.listing_id AND other.listing_id < closings.last_id
  )
"""

RULES = {
    "a listing's counts add up": f"""
        SELECT listing_id, found FROM ({ENDED}) AS ended
        WHERE found <> new_postings + changed_postings + unchanged_postings OR least(new_postings, changed_postings,
              unchanged_postings, reopened_postings, missing_postings, closed_postings, unparsed) < 0""",
    "a listing's counts are those of its events": f"""
        SELECT listing_id, counted.* FROM ({ENDED}) AS ended
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE kind = 'new') AS new, count(*) FILTER (WHERE kind = 'changed') AS changed,
                   count(*) FILTER (WHERE kind = 'reopened') AS reopened,
                   count(*) FILTER (WHERE kind = 'missing') AS missing,
                   count(*) FILTER (WHERE kind = 'closed') AS closed
            FROM posting_events WHERE posting_events.listing_id = ended.listing_id
        ) AS counted
        WHERE (counted.new, counted.changed, counted.reopened, counted.missing, counted.closed) IS DISTINCT FROM
              (new_postings, changed_postings, reopened_postings, missing_postings, closed_postings)""",
    "a partial or held listing makes no posting missing": f"""
        SELECT listing_id, state, missing_postings, closed_postings FROM ({ENDED}) AS ended
        WHERE state IN ('partial', 'held', 'empty') AND missing_postings + closed_postings > 0
           OR state = 'failed' AND missing_postings > 0""",
    "a closing has two witnesses of its board": f"""
        SELECT * FROM ({CLOSINGS}) AS closings
        WHERE first_id IS NULL OR first_id >= last_id OR first_board <> board_id OR last_board <> board_id""",
    "a posting is closed as unseen by two whole listings, apart": f"""
        SELECT * FROM ({CLOSINGS}) AS closings WHERE reason = 'unseen' AND (
            last_state NOT IN ('complete', 'unchanged') OR first_state NOT IN ('complete', 'unchanged', 'held')
            OR seconds < %(witness)s)""",
    "an empty board closes after three empty listings, apart": f"""
        SELECT * FROM ({CLOSINGS}) AS closings WHERE reason = 'board_empty' AND (
            last_state <> 'complete' OR found > 0 OR seconds < %(empty)s OR ({EMPTY_ROW}) < 2)""",
    "a board that is gone closes after two such answers, apart": f"""
        SELECT * FROM ({CLOSINGS}) AS closings WHERE reason = 'board_gone' AND (
            last_state <> 'failed' OR last_code NOT IN ('not_found', 'gone') OR seconds < %(gone)s
            OR ({GONE_ROW}) < 2)""",
    "a posting begins with one event": f"""
        SELECT postings.posting_id, kinds FROM postings LEFT JOIN ({REPLAYED}) AS replayed USING (posting_id)
        WHERE kinds IS NULL OR kinds[1] <> 'new' OR cardinality(array_positions(kinds, 'new')) <> 1""",
    "an event fits the state that it finds": """
        SELECT * FROM (
            SELECT posting_id, kind, lag(kind) OVER life AS before FROM posting_events
            WHERE kind <> 'changed' WINDOW life AS (PARTITION BY posting_id ORDER BY event_id)
        ) AS moves
        WHERE (kind = 'reopened') <> (before IS NOT NULL AND before = 'closed')""",
    "a posting is closed if its last event says so": f"""
        SELECT postings.posting_id, kinds, closed_at, closed_listing_id, missing_listing_id
        FROM postings JOIN ({REPLAYED}) AS replayed USING (posting_id)
        WHERE (closed_at IS NOT NULL) <> (kinds[cardinality(kinds)] = 'closed')
           OR closed_listing_id <> closings[cardinality(closings)]
           OR closed_at IS NULL AND missing_listing_id IS DISTINCT FROM
              CASE WHEN missing_since IS NOT NULL THEN misses[cardinality(misses)] END""",
    "an open posting has its last event's content": """
        SELECT posting_id, postings.revision_id FROM postings
        LEFT JOIN posting_revisions AS now USING (revision_id)
        CROSS JOIN LATERAL (
            SELECT content_hash FROM posting_events JOIN posting_revisions USING (revision_id)
            WHERE posting_events.posting_id = postings.posting_id ORDER BY event_id DESC LIMIT 1
        ) AS last
        WHERE now.revision_id IS NULL OR now.content_hash <> postings.content_hash
           OR now.content_hash <> last.content_hash OR now.external_id <> postings.external_id
           OR now.board_id <> postings.board_id""",
    "a finished preview has ended each company": """
        SELECT preview_id, position, state FROM preview_companies JOIN previews USING (preview_id)
        WHERE finished_at IS NOT NULL AND state NOT IN ('listed', 'failed')""",
    "a company's counts are those of its postings": """
        SELECT preview_id, position, state, found, matched, counted.* FROM preview_companies AS units
        CROSS JOIN LATERAL (
            SELECT count(*) AS stored, count(*) FILTER (WHERE matched) AS matching FROM preview_postings AS postings
            WHERE postings.preview_id = units.preview_id AND postings.position = units.position
        ) AS counted
        WHERE (stored, matching) IS DISTINCT FROM (coalesce(found, 0), coalesce(matched, 0))
           OR (state = 'listed') <> (found IS NOT NULL)""",
    "a posting of a preview belongs to its company's board": """
        SELECT preview_id, posting_id FROM preview_postings
        JOIN preview_companies AS units USING (preview_id, position)
        LEFT JOIN posting_revisions AS revisions USING (revision_id)
        LEFT JOIN postings USING (posting_id)
        WHERE revisions.board_id IS DISTINCT FROM units.board_id OR postings.board_id IS DISTINCT FROM units.board_id
           OR revisions.external_id <> postings.external_id""",
    "the board's last listings are its own": """
        SELECT boards.board_id, content_listing_id FROM boards
        LEFT JOIN listings AS content ON content.listing_id = content_listing_id
        WHERE content_listing_id IS NOT NULL AND (content.board_id IS DISTINCT FROM boards.board_id
              OR content.state IN ('reading', 'failed') OR content.began_at <> content_began_at)""",
    "a board without a lease has no reading that nobody will end": """
        SELECT boards.board_id, listings.listing_id, attempt FROM boards
        JOIN listings ON listings.board_id = boards.board_id AND listings.state = 'reading'
        WHERE lease_id IS NULL AND attempt > 3""",
}
"""The statements by their rules."""


def audit(connection: "psycopg.Connection[Any]", witness: float, empty: float, gone: float) -> list[str]:
    """Return a sentence for each rule that some rows break. The times are those of the settings, in seconds."""
    return broken_rules(connection, RULES, {"witness": witness, "empty": empty, "gone": gone})
