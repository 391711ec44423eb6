// One import gives an application everything: the tables and their types, errors and content ids, the recovery phrase,
// and the paths, descriptors and loggers that functions take and return. The rooms stay rooms for the compiler; for who
// links the library they are one module.
@_exported public import Catalog
@_exported public import Keyring
@_exported public import struct Logging.Logger
@_exported public import Primitives
@_exported public import struct SystemPackage.FileDescriptor
@_exported public import struct SystemPackage.FilePath
