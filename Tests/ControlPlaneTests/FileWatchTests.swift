import Foundation
import SluiceConfiguration
import Testing

@testable import ControlPlane

extension FileWatch {
  /// Of files as they are now.
  init(now paths: [String]) { self.init(paths, settled: Self.stamps(paths)) }
}

@Suite struct FileWatchTests {
  @Test func nothingHasChangedAtFirst() async throws {
    let folder = try Folder()
    try folder.write("a")
    let watch = FileWatch(now: [folder.file, "\(folder.path)/not-there"])
    for _ in 0..<3 { #expect(await watch.changed() == nil) }
  }

  @Test func aChangeCountsOnceItHasComeToRest() async throws {
    let folder = try Folder()
    try folder.write("a")
    let watch = FileWatch(now: [folder.file])
    try folder.write("ab")
    #expect(await watch.changed() == nil, "it may still be being written")
    try folder.write("abc")
    #expect(await watch.changed() == nil)
    #expect(await watch.changed() == folder.file)
    #expect(await watch.changed() == nil, "once")
  }

  @Test func aFileThatIsReplacedAndOneThatAppearsHaveChanged() async throws {
    let folder = try Folder()
    try folder.write("a")
    let secret = "\(folder.path)/secret"
    let watch = FileWatch(now: [folder.file, secret])
    try folder.write("a", to: "new")
    try folder.replace(folder.file, with: "\(folder.path)/new")
    _ = await watch.changed()
    #expect(await watch.changed() == folder.file)
    try folder.write("s", to: "secret")
    _ = await watch.changed()
    #expect(await watch.changed() == secret)
    try FileManager.default.removeItem(atPath: secret)
    _ = await watch.changed()
    #expect(await watch.changed() == secret)
  }

  /// Kubernetes shows files through two symbolic links and swaps the second, `..data`.
  @Test func aSwappedFolderHasChangedItsFiles() async throws {
    let folder = try Folder()
    let manager = FileManager.default
    for name in ["v1", "v2"] {
      try manager.createDirectory(
        atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
      try folder.write("same length \(name)", to: "\(name)/token")
    }
    try manager.createSymbolicLink(
      atPath: "\(folder.path)/..data", withDestinationPath: "v1")
    try manager.createSymbolicLink(
      atPath: "\(folder.path)/token", withDestinationPath: "..data/token")
    let watch = FileWatch(now: ["\(folder.path)/token"])
    try manager.createSymbolicLink(atPath: "\(folder.path)/..tmp", withDestinationPath: "v2")
    try folder.replace("\(folder.path)/..data", with: "\(folder.path)/..tmp")
    _ = await watch.changed()
    #expect(await watch.changed() == "\(folder.path)/token")
  }

  @Test func aFileNewToTheWatchCountsAsChanged() async throws {
    let folder = try Folder()
    try folder.write("a")
    try folder.write("b", to: "other")
    let watch = FileWatch(now: [folder.file])
    await watch.watch([folder.file, "\(folder.path)/other"])
    _ = await watch.changed()
    #expect(await watch.changed() == "\(folder.path)/other")
    #expect(await watch.changed() == nil)
  }

  /// While the gateway starts, between the reading and the watch.
  @Test func aChangeSinceTheFilesWereReadCounts() async throws {
    let folder = try Folder()
    let token = try folder.writeSample(withToken: "s1")
    for changed in [folder.file, token] {
      let loaded = try ConfigurationFile(path: folder.file).load()
      #expect(loaded.stamps.keys.sorted() == loaded.files.sorted())
      let quiet = FileWatch(loaded.files, settled: loaded.stamps)
      for _ in 0..<3 { #expect(await quiet.changed() == nil) }
      try folder.write(try String(contentsOfFile: changed, encoding: .utf8), to: "new")
      try folder.replace(changed, with: "\(folder.path)/new")
      let watch = FileWatch(loaded.files, settled: loaded.stamps)
      #expect(await watch.changed() == nil)
      #expect(await watch.changed() == changed)
      #expect(await watch.changed() == nil)
    }
  }
}
