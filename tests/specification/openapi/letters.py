"""letters.py DATABASE: puts two messages that could not be read into dev's database."""

import hashlib
import sqlite3
import sys

with sqlite3.connect(sys.argv[1], timeout=30) as database:
    for offset, payload in enumerate([b"{", b'{"status": "passed"}']):
        digest = hashlib.sha256(payload).hexdigest()
        database.execute(
            "INSERT INTO poison_messages (topic, partition_number, message_offset, payload_sha256, payload, payload_bytes,"
            " reason, received_at_ms) VALUES ('assessment.completed', 0, ?, ?, ?, ?, 'not an event', ?)",
            (1_000_000 + offset, digest, payload, len(payload), 1_700_000_000_000 + offset),
        )
