//! Addresses that guess: what all nodes know of them, and what is told of floods.

crate::sql::migration!(
    r#"
-- last_at: the last failure of the window, whose first is window_began_at. last_from: of what an organisation is shown of failures at its
-- own address, where the last one came from; nothing else of this table says that, and it goes within a day.
ALTER TABLE auth_failures ADD COLUMN last_at MICROS;
ALTER TABLE auth_failures ADD COLUMN last_from text;

-- A network whose requests without a good credential are answered with 429 until then, by every node. The key is a hash; no
-- organisation's: a network guesses at many. level: how often it came so far; each one doubles the time. A row is forgotten when the
-- network was quiet for a day after its block, and there are never more than 10,000.
CREATE TABLE address_blocks (
    key BYTES PRIMARY KEY,
    level bigint NOT NULL CHECK (level BETWEEN 1 AND 7),
    blocked_until MICROS NOT NULL
);
CREATE INDEX address_blocks_end ON address_blocks (blocked_until);
"#
);
