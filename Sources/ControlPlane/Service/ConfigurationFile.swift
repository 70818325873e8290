public import SluiceConfiguration

/// The file a gateway is configured by, with what the command line puts in its place: read at the start and again for every
/// reload.
public struct ConfigurationFile: Sendable {
  public var path: String
  public var overrides: [ConfigurationOverride]
  /// What programs printed when the file was last read.
  let programs = ProgramSecrets()

  public init(path: String, overrides: [ConfigurationOverride] = []) {
    self.path = path
    self.overrides = overrides
  }

  /// Reads and checks the file. Waits for the disk and for programs that print secrets.
  /// - Throws: every mistake in it.
  public func load() throws(ConfigurationErrors) -> LoadedConfiguration {
    try ConfigurationLoader.load(path: path, overrides: overrides, programs: programs)
  }
}
