package interop;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSKeySelector;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.proc.SingleKeyJWSKeySelector;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import javax.crypto.spec.SecretKeySpec;

/** Nimbus JOSE + JWT. */
final class Nimbus {
    private static final Set<String> REQUIRED =
            Set.of("exp", "iat", "sub", "jti", "client_id", "sid");
    private static final JOSEObjectType TYPE = new JOSEObjectType("at+jwt");

    static Interop.Verifier verifier(Interop.Setting setting) throws Exception {
        var algorithm = JWSAlgorithm.parse(setting.algorithm());
        var types = new DefaultJOSEObjectTypeVerifier<SecurityContext>(TYPE);
        var claims = claims(setting);
        if (algorithm.equals(JWSAlgorithm.EdDSA)) {
            return edDsa(setting, types, claims);
        }
        var processor = new DefaultJWTProcessor<SecurityContext>();
        processor.setJWSTypeVerifier(types);
        processor.setJWSKeySelector(
                setting.secret() == null ? byKeySet(algorithm, setting) : bySecret(setting));
        processor.setJWTClaimsSetVerifier(claims);
        return token -> processor.process(token, null);
    }

    private static DefaultJWTClaimsVerifier<SecurityContext> claims(Interop.Setting setting) {
        var exactly = new JWTClaimsSet.Builder().issuer(setting.issuer()).build();
        var claims =
                new DefaultJWTClaimsVerifier<SecurityContext>(
                        setting.audience(), exactly, REQUIRED);
        // A minute, unless told.
        claims.setMaxClockSkew(0);
        return claims;
    }

    private static JWSKeySelector<SecurityContext> byKeySet(
            JWSAlgorithm algorithm, Interop.Setting setting) throws Exception {
        JWKSource<SecurityContext> keys =
                JWKSourceBuilder.create(URI.create(setting.jwks_uri()).toURL()).build();
        return new JWSVerificationKeySelector<>(algorithm, keys);
    }

    /** Not an ImmutableSecret: that has no name, and the token's header names its key. */
    private static JWSKeySelector<SecurityContext> bySecret(Interop.Setting setting) {
        var secret = setting.secret().getBytes(StandardCharsets.UTF_8);
        var key = new SecretKeySpec(secret, "HmacSHA256");
        return new SingleKeyJWSKeySelector<>(JWSAlgorithm.HS256, key);
    }

    /** Its processor knows no EdDSA, because Java's own keys of that kind came late. */
    private static Interop.Verifier edDsa(
            Interop.Setting setting,
            DefaultJOSEObjectTypeVerifier<SecurityContext> types,
            DefaultJWTClaimsVerifier<SecurityContext> claims)
            throws Exception {
        var keys = JWKSet.load(URI.create(setting.jwks_uri()).toURL());
        return token -> {
            var signed = SignedJWT.parse(token);
            types.verify(signed.getHeader().getType(), null);
            var key = keys.getKeyByKeyId(signed.getHeader().getKeyID());
            if (key == null || !signed.verify(new Ed25519Verifier(key.toOctetKeyPair()))) {
                throw new IllegalArgumentException("signed with no key of the set");
            }
            claims.verify(signed.getJWTClaimsSet(), null);
        };
    }

    private Nimbus() {}
}
