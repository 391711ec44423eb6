public import ArgumentParser
public import Catalog

// The library's enumerations as arguments: their raw values.

extension Component.Kind: ExpressibleByArgument {}
extension Registration.Status: ExpressibleByArgument {}
extension SearchHit.Kind: ExpressibleByArgument {}
extension WalletTransaction.Status: ExpressibleByArgument {}
