import Foundation
import Status
import Testing

@testable import ControlPlane

@Suite struct ProcessMetricsTests {
  private func values(_ families: [MetricFamily]) -> [String: Double] {
    Dictionary(uniqueKeysWithValues: families.map { ($0.name, $0.samples[0].value) })
  }

  @Test func fieldsAreThoseOfTheManual() {
    let stat =
      "77 (a ) b) S 1 2 3 4 5 6 7 8 9 10 1250 250 11 12 13 14 15 16 900 123456789 512 17 18\n"
    #expect(
      values(ProcessMetrics.read(stat: stat, ticks: 100, page: 4096)) == [
        "process_cpu_seconds_total": 15, "process_virtual_memory_bytes": 123_456_789,
        "process_resident_memory_bytes": 512 * 4096,
      ])
  }

  @Test(arguments: ["", "77 a S 1", "77 (a) S 1 2 3", "77 (a) S x x x x x x x x x x x x"])
  func whatIsNotUnderstoodIsLeftOut(stat: String) {
    #expect(ProcessMetrics.read(stat: stat, ticks: 100, page: 4096).isEmpty)
  }

  @Test func thisProcessHasThem() throws {
    let values = values(ProcessMetrics.read())
    #expect(values.count == 5)
    #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
    let open = try #require(values["process_open_fds"])
    let most = try #require(values["process_max_fds"])
    #expect(open >= 3 && open <= most)
  }
}
