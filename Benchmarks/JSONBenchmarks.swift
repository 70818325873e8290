import CScan
import Wire

/// Reading JSON: stage one alone, and the whole index.
func benchmarkJSON(_ harness: Harness) {
  var documents = AnswerDocuments()
  let orders = documents.structured(bytes: 64 << 10, flat: false)
  let rows = documents.structured(bytes: 64 << 10, flat: true)
  let doubled = documents.doubled(bytes: 4 << 10)
  for (name, document) in [
    ("orders 64 KiB", orders), ("rows 64 KiB", rows), ("doubled 4 KiB", doubled),
  ] {
    stageOne(harness, name, document)
    var index = JSONIndex()
    harness.measure("json/index \(name)", bytes: document.count) {
      unsafe precondition(index.read(document.span.bytes, watch: .none) == nil)
    }
    for (kernel, kernelName) in [
      (Int32(sluice_scan_kernel_avx2), "AVX2"), (Int32(sluice_scan_kernel_sse2), "SSE2"),
    ] {
      guard sluice_scan_kernel_runs(kernel) != 0 else { continue }
      var other = JSONIndex(limits: JSONLimits(), kernel: kernel)
      harness.measure("json/index \(kernelName) \(name)", bytes: document.count) {
        unsafe precondition(other.read(document.span.bytes, watch: .none) == nil)
      }
    }
    var watch = JSONWatch()
    for field in ["email", "ssn", "phone", "date_of_birth", "card_number"] { watch.insert(field) }
    harness.measure("json/index watching \(name)", bytes: document.count) {
      unsafe precondition(index.read(document.span.bytes, watch: watch) == nil)
    }
  }
}

/// The vector part alone, over the whole document at once.
private func stageOne(_ harness: Harness, _ name: String, _ document: [UInt8]) {
  var positions = [UInt32](repeating: 0, count: document.count + Int(sluice_scan_slack))
  var marks = [UInt64](repeating: 0, count: document.count / 64 + 2)
  harness.measure("json/stage one \(name)", bytes: document.count) {
    var state = sluice_scan_state()
    unsafe sluice_scan_begin(&state)
    let tokens = unsafe sluice_scan(
      sluice_scan_best_kernel(), &state, document, document.count, document.count, 1, &positions,
      &marks)
    precondition(tokens > 0 && state.error == 0)
  }
}
