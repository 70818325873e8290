import Approvals
import ConsoleSamples
import Foundation
import Hummingbird
import RouterTestSupport
import Testing

@testable import Console

@Suite struct HostileTextTests {
  @Test func aQuotationMarkUnderACombiningMarkIsStillOne() {
    let escaped = HostileText.escaped("\"\u{301}<\u{338}'\u{20DD}&\u{308}")
    for character in ["\"", "<", "'"] { #expect(!escaped.contains(character)) }
    #expect(escaped == "&quot;\\u{301}&lt;\\u{338}&#39;\\u{20dd}&amp;\\u{308}")
  }

  @Test func whatCannotBeSeenIsWrittenOut() {
    #expect(HostileText.escaped("a\u{202E}b") == "a\\u{202e}b")
    #expect(
      HostileText.escaped("a\u{200B}\u{FEFF}\u{0}\u{1B}\r")
        == "a\\u{200b}\\u{feff}\\u{0}\\u{1b}\\u{d}")
    #expect(
      HostileText.escaped("a\u{A0}\u{3164}\u{2800}\u{E000}\u{E0041}")
        == "a\\u{a0}\\u{3164}\\u{2800}\\u{e000}\\u{e0041}")
  }

  @Test func textsOfAllScriptsStayReadable() {
    for text in [
      "Straße café", "cafe\u{301}", "नमस्ते", "สวัสดี", "שלום", "مرحبا", "日本語", "naïve 👍", "a\n\tb",
    ] {
      #expect(HostileText.escaped(text) == text)
    }
  }

  @Test func stacksOfMarksDoNotPaintOverOtherLines() {
    let stack = "a" + String(repeating: "\u{301}", count: 50)
    #expect(HostileText.escaped(stack).unicodeScalars.count { $0 == "\u{301}" } == 2)
  }

  @Test func markedSegmentsPutTogetherAreTheEscapedText() {
    for text in SampleApprovals.hostileTexts {
      let (segments, _) = HostileText.segments(text)
      #expect(
        segments.map { HostileText.escaped($0.text) }.joined()
          == HostileText.escaped(text)
          .replacing("&#39;", with: "&#39;"))
    }
    let many = String(repeating: "\u{202E}", count: 1000)
    let (segments, odd) = HostileText.segments(many)
    #expect(odd == 1000 && segments.count == 201)
    #expect(segments.map(\.text).joined() == String(repeating: "\\u{202e}", count: 1000))
  }

  @Test func everyTemplateEscapesEverythingButTheLayoutsContent() {
    for (name, bytes) in PageRenderer.templates {
      let text = String(decoding: bytes, as: UTF8.self)
      let unescaped = text.matches(of: /\{\{\{\s*(\w+)|\{\{&\s*(\w+)/).count
      #expect(unescaped == (name == "layout" ? 1 : 0), "\(name)")
      // Attributes stand in quotation marks, or escaping does not help.
      #expect(text.firstMatch(of: /=\{\{/) == nil, "\(name)")
    }
  }

  @Test func hostileApprovalsStayTextOnEveryPage() async throws {
    let clock = TestClock()
    let requests = SampleApprovals.hostile(now: clock.now)
    let console = try TestConsole(requests) { _, services in
      services.status = {
        SampleStatus.status(names: SampleApprovals.hostileTexts, now: clock.now)
      }
    }
    try await console.test { browser in
      _ = try await browser.signIn()
      var pages = ["/approvals"]
      pages += requests.map { "/approvals/\($0.id)" }
      pages += ["/servers", "/policies", "/status"]
      for page in pages {
        let text = try await browser.get(page).text
        #expect(text.contains("class=\"arguments\"") == page.hasPrefix("/approvals"))
        // No element and no attribute that the templates do not have.
        for element in text.matches(of: /<([a-zA-Z!\/][^\s>]*)/) {
          #expect(HostileTextTests.elements.contains(String(element.1)), "\(element.1) in \(page)")
        }
        #expect(text.firstMatch(of: /<[^>]*\son[a-z]+\s*=/) == nil)
        #expect(!text.unicodeScalars.contains("\u{202E}"))
      }
    }
  }

  /// What the pages are made of.
  static let elements: Set<String> = [
    "!DOCTYPE", "html", "/html", "head", "/head", "meta", "title", "/title", "link", "script",
    "/script", "body", "/body", "a", "/a", "header", "/header", "img", "nav", "/nav", "div", "/div",
    "span", "/span", "form", "/form", "input", "button", "/button", "main", "/main", "h1", "/h1",
    "h2", "/h2", "p", "/p", "article", "/article", "dl", "/dl", "dt", "/dt", "dd", "/dd", "strong",
    "/strong", "time", "/time", "pre", "/pre", "code", "/code", "mark", "/mark", "ul", "/ul", "li",
    "/li", "label", "/label", "textarea", "/textarea", "details", "/details", "summary",
    "/summary", "section", "/section", "table", "/table", "thead", "/thead", "tbody", "/tbody",
    "tr",
    "/tr", "th", "/th", "td", "/td",
  ]
}
