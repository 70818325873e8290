// Entries: what a record is made of. One call leaves an opening entry, any number of pieces, and a closing entry;
// they share the record id and need not be neighbours. An entry has the same bytes in a worker's ring and in a
// segment file, so the writer hands ring memory to the kernel as it is.
//
// All numbers are little-endian. Every entry starts on a multiple of 8 and its length is one; fill bytes are 0.
//
//   every entry          0 length u32 (whole entry)   4 kind u8   5 flags u8   6 worker u16   8 record id u64
//   1 opening           16 wall ns u64   24 received, monotonic ns u64   32 policy revision u64
//                       40 request bytes in this entry u32   44 request bytes in all u32
//                       48 era u8   49 decision u8   50 lengths u16 of: principal, server, method, tool, session,
//                       rule, JSON-RPC id   64 those seven texts, then the request bytes
//                       flags: bit n set = text n was cut at 1024 bytes; bit 7 = these 8 bytes stand at 64, before
//                       the texts, and two more texts after them: 64 lengths u16 of: client, approval
//                       68 cut flags u8 of those two   69 zero
//   2 request piece     16 offset in the request u64   24 bytes u32   28 zero u32   32 the bytes
//   3 answer piece      16 offset in the answer u64    24 bytes u32   28 zero u32   32 the bytes
//   4 closing           16 answer pieces before it u32   20 reason u8   21 zero u8   22 hidden entries u16
//                       24 answer bytes in all u64   32 server bytes u64
//                       40 decided  48 upstream sent  56 first byte  64 done, each u64 µs after "received"
//                       72 JSON-RPC error code i32   76 system error i32   80 masked values u32
//                       84 answer bytes in this entry u32   88 status u16   90 server's status u16
//                       92 result u8   93 failed side u8   94 zero u16   96 the last answer bytes
//                       flags: 1 = the agent got the whole answer; 2 = bytes 94 are the length u16 of a session
//                       id, which stands at 96, before the last answer bytes: the answer opened that session
//   5 gap               16 wall ns u64   24 calls dropped on this worker since its last gap entry u64
//                       32 calls dropped in all u64                (written by the writer, record id 0)
//   6 repair            16 wall ns u64   24 segment u32   28 reason u32   32 offset u64   40 bytes cut u64
//                       48 SHA-256 of what was cut                 (written by the writer, record id 0)
//   7 filler            nothing: brings a frame to a multiple of a disk block   (written by the writer, record id 0)
//   8 review            16 held for µs u64   24 state u8 (RecordedApproval)   25 zero u8
//                       26 lengths u16 of: reviewers (one a line), reason   30 zero u16   32 those two texts
//                       flags: bit n set = text n was cut at 1024 bytes        (right behind the opening entry)
//   0 padding           only in rings: skip to the ring's start. Has only the first 8 bytes.
//
// Worked example: the request piece "hello" at offset 65536 of record 7 on worker 2, 40 bytes:
//   28 00 00 00  02 00 02 00  07 00 00 00 00 00 00 00     length 40, kind 2, flags 0, worker 2, record 7
//   00 00 01 00 00 00 00 00  05 00 00 00  00 00 00 00     offset 65536, 5 bytes
//   68 65 6c 6c 6f 00 00 00                               hello, filled up to a multiple of 8

/// Kinds of entries.
package enum EntryKind: UInt8, Sendable {
  case padding = 0
  case opening = 1
  case requestPiece = 2
  case answerPiece = 3
  case closing = 4
  case gap = 5
  case repair = 6
  case filler = 7
  case review = 8
}

/// Offsets and sizes of the entries above.
package enum EntryFormat {
  package static let headerBytes = 16
  package static let openingBytes = 64
  package static let pieceBytes = 32
  package static let closingBytes = 96
  package static let gapBytes = 40
  package static let repairBytes = 80
  package static let reviewBytes = 32

  package static let openingTexts = 7
  /// Set when client or approval are known: their lengths follow the opening entry's fixed part.
  package static let moreTextsFlag: UInt8 = 0x80
  package static let moreTextsBytes = 8
  package static let moreTexts = 2
  /// Most bytes of a request or an answer that one entry carries; more is cut into pieces.
  package static let dataBytesMax = 256 << 10
  /// Longest entry a file can hold.
  package static let entryBytesMax =
    openingBytes + moreTextsBytes + (openingTexts + moreTexts) * CallFacts.textBytesMax
    + dataBytesMax + 8

  package static let completeFlag: UInt8 = 1
  package static let sessionFlag: UInt8 = 2

  /// `count` rounded up to a multiple of 8.
  @inline(__always)
  package static func aligned(_ count: Int) -> Int { (count &+ 7) & ~7 }
}
