-- What the bus was told, and what each consumer of it has done (SPEC 11, R-OUT-1 to 12).
--
-- Postgres is the truth and the bus a cache of notifications of it, so everything that
-- has to be known for certain of the bus stands here.

-- Where the stream holds the message; nothing where the stream was found to lack it.
ALTER TABLE es.outbox
    ADD COLUMN stream_seq   bigint CHECK (stream_seq > 0),
    ADD COLUMN verified_at  timestamptz,
    ADD CONSTRAINT outbox_stream_seq_of_published
        CHECK (stream_seq IS NULL OR published_at IS NOT NULL),
    ADD CONSTRAINT outbox_verified_is_in_the_stream
        CHECK (verified_at IS NULL OR stream_seq IS NOT NULL);

CREATE INDEX outbox_published ON es.outbox (published_at, global_seq)
    WHERE published_at IS NOT NULL;

-- How far each consumer has come: it has done, or laid aside, every event up to there.
-- The row is locked while an effect is written, so that two instances make one.
CREATE TABLE es.consumers (
    consumer  text   PRIMARY KEY CHECK (consumer <> ''),
    position  bigint NOT NULL DEFAULT 0 CHECK (position >= 0)
) WITH (fillfactor = 70);

-- Which event had its effect, written with the effect.
CREATE TABLE es.inbox (
    consumer    text        NOT NULL REFERENCES es.consumers (consumer),
    event_id    text        NOT NULL,
    global_seq  bigint      NOT NULL REFERENCES es.events (global_seq),
    handled_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

-- Tries of an event that went wrong so far; gone when one goes well or none is left.
CREATE TABLE es.failed_tries (
    consumer         text        NOT NULL REFERENCES es.consumers (consumer),
    event_id         text        NOT NULL,
    global_seq       bigint      NOT NULL,
    tries            integer     NOT NULL DEFAULT 1 CHECK (tries > 0),
    error            text        NOT NULL,
    first_failed_at  timestamptz NOT NULL DEFAULT now(),
    last_failed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

-- Events that were laid aside, for a person to look at and to have done once more.
CREATE TABLE es.dead_letters (
    consumer         text        NOT NULL REFERENCES es.consumers (consumer),
    event_id         text        NOT NULL,
    global_seq       bigint      NOT NULL,
    tries            integer     NOT NULL CHECK (tries >= 0),
    error            text        NOT NULL,
    first_failed_at  timestamptz NOT NULL,
    last_failed_at   timestamptz NOT NULL,
    replayed_at      timestamptz,
    PRIMARY KEY (consumer, event_id)
);

-- Where the bus did not bring what the log holds; `healed_at` is when it was done from
-- the log. The publisher heals nothing, so its rows have none.
CREATE TABLE es.bus_gaps (
    gap_id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    noticed_by  text        NOT NULL,
    from_seq    bigint      NOT NULL CHECK (from_seq > 0),
    to_seq      bigint      NOT NULL,
    why         text        NOT NULL,
    noticed_at  timestamptz NOT NULL DEFAULT now(),
    healed_at   timestamptz,
    CHECK (from_seq <= to_seq),
    UNIQUE (noticed_by, from_seq, to_seq)
);

-- What waits for a person: the feed of the consumer `notices`. Nothing here makes a row
-- unique: that there is one for each event is the inbox's work, and can be counted.
CREATE TABLE es.notices (
    notice_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    global_seq   bigint      NOT NULL REFERENCES es.events (global_seq),
    event_id     text        NOT NULL,
    event_type   text        NOT NULL,
    portal       text        NOT NULL,
    subject      text        NOT NULL,
    asks         text        NOT NULL,
    occurred_at  timestamptz NOT NULL
);

CREATE INDEX notices_event ON es.notices (event_id);

-- Who works at the bus keeps these books, the publisher and the consumers alike (0012).
GRANT SELECT ON ALL TABLES IN SCHEMA es TO sr_publisher;
GRANT INSERT, UPDATE ON es.consumers, es.inbox, es.failed_tries, es.dead_letters,
    es.bus_gaps, es.notices TO sr_publisher;
GRANT UPDATE (published_at, stream_seq, verified_at) ON es.outbox TO sr_publisher;
GRANT DELETE ON es.failed_tries, es.outbox TO sr_publisher;
