INSERT INTO components(component_id, name, version, type, description, author, license, manifest_json, autonomi_address, installed_at, last_used) VALUES
 ('org.example.notes', 'Notes', '1.10.0', 'frontend', 'Write and keep short notes', 'Ada Example', 'MIT', '{"id":"org.example.notes","author":"Ada Example","dependencies":[{"id":"org.example.sync","version":">=1.2.0"}],"config":{"theme":"dark"}}', NULL, 1700000000, 1700000500),
 ('org.example.sync', 'Sync', '1.9.3', 'backend', 'Carries notes between machines', 'Grace Example', 'Apache-2.0', '{"id":"org.example.sync","author":"Grace Example"}', 'ant://sync', 1700000100, NULL),
 ('org.example.broken', 'Broken', 'not semver', 'backend', NULL, NULL, NULL, 'this is no JSON {', NULL, -5, NULL);
INSERT INTO applications VALUES ('org.example.desk', 'Desk', '2.0.0', 'Notes on a desk', 'Ada Example', NULL, '{"id":"org.example.desk","components":[{"id":"org.example.notes"}]}', NULL, 1700000200, 1700000900, 7);
INSERT INTO component_registry VALUES ('org.example.sync', '1.9.3', 4242, 'unix:/run/sync', 'running', 1700000300, 1700000310, 2);
INSERT INTO keys_metadata(component_id, derivation_index, public_key, key_type, purpose, created_at) VALUES ('org.example.sync', 0, 'aa11', 'ed25519', 'identity', 1700000400), ('org.example.sync', 1, 'bb22', 'ml_dsa', NULL, 1700000401);
INSERT INTO wallet_transactions VALUES ('0xabc', '0xfrom', '0xto', '340282366920938463463374607431768211456.000000000000000001', NULL, 'arbitrum-one', 'confirmed', '21000', '0.1', 'storage', 'org.example.sync', 1700000500, 1700000510),
 ('0xdef', '0xfrom', '0xto', '18446744073709551616', '0xtoken', 'arbitrum-one', 'pending', NULL, NULL, NULL, NULL, 1700000600, NULL);
INSERT INTO autonomi_cache VALUES ('ant://sync', '044e2fbef32a60f08ec190c6b836f33034649d0b44f5934ded010edb3bf4761b', '044e2fbef32a60f08ec190c6b836f33034649d0b44f5934ded010edb3bf4761b', 1234, 'file', 1700000700, 1700000800, 3);
INSERT INTO user_preferences VALUES ('theme', '"dark"', 1700000900), ('window', '{"width":800,"height":600}', 1700000901), ('broken', 'no json', 1700000902);
