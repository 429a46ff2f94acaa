// The npm package sqlite3 has to be compiled where it is installed. This stands in for it, over the driver that Weft's own
// embedded engines use, so that emmett runs on a machine without a compiler, and on the same SQLite as Weft.
const [major, minor] = process.versions.node.split('.').map(Number);
const driver = major > 22 || (major === 22 && minor >= 13) ? 'node:sqlite' : '@photostructure/sqlite';
const { DatabaseSync } = await import(driver);

/** As sqlite3 binds: nothing for undefined, numbers for truth, and of any other object what it says of itself. */
function bound(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'object' && !ArrayBuffer.isView(value) ? String(value) : value;
}

class Database {
  constructor(file) {
    this.database = new DatabaseSync(file);
    this.statements = new Map();
    // A commit is on the disk before it is acknowledged: sqlite3's own default, said aloud.
    this.database.exec('PRAGMA synchronous = FULL');
  }

  run(sql, values, callback = typeof values === 'function' ? values : () => {}) {
    this.#answer(callback, () => {
      const { changes, lastInsertRowid } = this.#prepared(sql).run(...(Array.isArray(values) ? values : []).map(bound));
      return [undefined, { changes: Number(changes), lastID: Number(lastInsertRowid) }];
    });
  }

  all(sql, values, callback) {
    this.#answer(callback, () => [this.#prepared(sql).all(...(values ?? []).map(bound))]);
  }

  get(sql, values, callback) {
    this.#answer(callback, () => [this.#prepared(sql).get(...(values ?? []).map(bound))]);
  }

  close() {
    this.database.close();
  }

  #prepared(sql) {
    let statement = this.statements.get(sql);
    if (statement === undefined) this.statements.set(sql, (statement = this.database.prepare(sql)));
    return statement;
  }

  #answer(callback, ask) {
    let result;
    try {
      result = ask();
    } catch (error) {
      // As sqlite3 names it.
      if (error.errcode !== undefined) error.errno = error.errcode & 0xff;
      process.nextTick(() => callback.call(this, error));
      return;
    }
    const [value, outcome = this] = result;
    process.nextTick(() => callback.call(outcome, null, value));
  }
}

export default { Database, OPEN_URI: 0x40, OPEN_READWRITE: 0x2, OPEN_CREATE: 0x4 };
