import Policy
import Wire

/// Reading an answer, masking five fields in it and writing it out; and the masking and writing alone.
func benchmarkMasking(_ harness: Harness) throws(MaskError) {
  var documents = AnswerDocuments()
  let program = try MaskProgram(
    fields: ["email", "ssn", "phone", "date_of_birth", "card_number"].map {
      MaskField(path: [$0], treatment: .redact, rule: 0)
    })
  var active = MaskRuleSet()
  active.insert(0)
  for (name, document) in [
    ("orders 64 KiB", documents.structured(bytes: 64 << 10, flat: false)),
    ("rows 64 KiB", documents.structured(bytes: 64 << 10, flat: true)),
    ("orders 4 KiB", documents.structured(bytes: 4 << 10, flat: false)),
    ("doubled 4 KiB", documents.doubled(bytes: 4 << 10)),
  ] {
    var index = JSONIndex()
    var masker = Masker()
    let capacity = 4 * document.count
    let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
    defer { unsafe memory.deallocate() }
    harness.measure("mask/index + mask + write \(name)", bytes: document.count) {
      unsafe precondition(index.read(document.span.bytes, watch: program.watch) == nil)
      var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
      let outcome = unsafe masker.mask(
        document.span.bytes, index: index, program: program, active: active, into: &writer)
      guard case .masked = outcome else { preconditionFailure("nothing was masked") }
    }
    unsafe precondition(index.read(document.span.bytes, watch: program.watch) == nil)
    harness.measure("mask/mask + write \(name)", bytes: document.count) {
      var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
      let outcome = unsafe masker.mask(
        document.span.bytes, index: index, program: program, active: active, into: &writer)
      guard case .masked = outcome else { preconditionFailure("nothing was masked") }
    }
    benchmarkStreaming(harness, name, document, program, active)
  }
  // Its rows also stand in a text, which is too long to be kept and read as it comes.
  benchmarkStreaming(
    harness, "doubled 1 MiB", documents.doubled(bytes: 1 << 20), program, active)
}

/// The same answers as a message that is too long to be held: read and masked in pieces of a receive buffer.
private func benchmarkStreaming(
  _ harness: Harness, _ name: String, _ document: [UInt8], _ program: MaskProgram,
  _ active: MaskRuleSet
) {
  var masker = Masker()
  harness.measure("mask/stream \(name)", bytes: document.count) {
    let stream = StreamMasker(program: program, active: active)
    for start in stride(from: 0, to: document.count, by: 16384) {
      let end = min(start + 16384, document.count)
      let violation = unsafe stream.feed(
        document.span.bytes.extracting(start..<end), with: &masker)
      precondition(violation == nil)
      stream.take()
    }
    precondition(stream.finish() == nil && stream.maskedValues > 0)
  }
}
