internal import Foundation
internal import GRDB

/// The tables, and how they came to be. Times are milliseconds since 1970.
enum ApprovalSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 approvals") { database in
      try database.execute(
        sql: """
          CREATE TABLE approval (
            id TEXT PRIMARY KEY NOT NULL,
            digest TEXT NOT NULL,
            principal TEXT NOT NULL,
            server TEXT NOT NULL,
            tool TEXT NOT NULL,
            arguments TEXT NOT NULL,
            rule TEXT NOT NULL,
            message TEXT NOT NULL,
            policy_revision TEXT NOT NULL,
            reference TEXT NOT NULL,
            reviewer_groups TEXT NOT NULL,
            quorum INTEGER NOT NULL CHECK (quorum > 0),
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            state TEXT NOT NULL,
            changed INTEGER NOT NULL
          ) WITHOUT ROWID;
          -- The same call twice is one request, however many ask at the same moment.
          CREATE UNIQUE INDEX approval_open ON approval (digest) WHERE state IN ('pending', 'approved');
          CREATE INDEX approval_digest ON approval (digest, expires);
          CREATE INDEX approval_state ON approval (state, expires);
          CREATE INDEX approval_created ON approval (created);
          CREATE INDEX approval_pending ON approval (principal) WHERE state = 'pending';
          CREATE TABLE decision (
            approval TEXT NOT NULL REFERENCES approval (id) ON DELETE CASCADE,
            -- One person, one voice.
            person TEXT NOT NULL,
            reviewer TEXT NOT NULL,
            word TEXT NOT NULL,
            reason TEXT NOT NULL,
            time INTEGER NOT NULL,
            PRIMARY KEY (approval, person)
          ) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2 persons") { database in
      try database.execute(
        sql: """
          ALTER TABLE approval ADD COLUMN person TEXT NOT NULL DEFAULT '';
          ALTER TABLE approval ADD COLUMN principal_groups TEXT NOT NULL DEFAULT '';
          -- Who asked for these is known by name alone, which is not enough to keep them from deciding.
          UPDATE approval SET state = 'cancelled' WHERE state IN ('pending', 'approved');
          """)
    }
    return migrator
  }
}

extension Date {
  init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }

  var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}
