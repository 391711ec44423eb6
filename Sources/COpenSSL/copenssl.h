// libcrypto (OpenSSL 3): SHA-256, ciphers, Poly1305, HKDF, PBKDF2 through the EVP interface; the curve secp256k1.
#pragma once

// The state of a SHA-256, which several digests at once need, is to be had from the deprecated functions alone.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/sha.h>

// RFC 5869 HKDF-SHA256. OSSL_PARAM arrays are made by macros and struct-returning constructors with
// non-const string names, which Swift cannot spell. Returns 1 on success.
static inline int osnova_hkdf_sha256(const unsigned char *ikm, size_t ikm_length,
                                     const unsigned char *salt, size_t salt_length,
                                     const unsigned char *info, size_t info_length,
                                     unsigned char *out, size_t out_length)
{
	// A zero-length key is legal in RFC 5869, a NULL pointer is not legal for OpenSSL.
	static const unsigned char none[1] = {0};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	EVP_KDF_free(kdf);
	if (!context)
		return 0;
	OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(ikm ? ikm : none), ikm_length),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(salt ? salt : none), salt_length),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(info ? info : none), info_length),
	    OSSL_PARAM_construct_end(),
	};
	int done = EVP_KDF_derive(context, out, out_length, parameters);
	EVP_KDF_CTX_free(context);
	return done > 0;
}

// The compressed point of a secp256k1 secret (32 bytes, big-endian) in 33 bytes. Here rather than in Swift, so that the
// six objects that libcrypto wants are freed on one path. Returns 1 on success, 0 for a secret that is out of range.
static inline int osnova_secp256k1_public(const unsigned char *secret, unsigned char *out)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);
	EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	BN_CTX *context = BN_CTX_secure_new();
	BIGNUM *scalar = BN_secure_new();
	int done = 0;
	if (point && context && scalar && BN_bin2bn(secret, 32, scalar)) {
		BN_set_flags(scalar, BN_FLG_CONSTTIME);
		if (!BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group)) < 0 &&
		    EC_POINT_mul(group, point, scalar, NULL, NULL, context))
			done = EC_POINT_point2oct(group, point, POINT_CONVERSION_COMPRESSED, out, 33, context) == 33;
	}
	BN_clear_free(scalar);
	BN_CTX_free(context);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return done;
}
