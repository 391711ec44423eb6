// libcrypto (OpenSSL 3): SHA-256, ChaCha20, Poly1305, HKDF through the EVP interface.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

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
