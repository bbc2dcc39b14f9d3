package interop;

import io.jsonwebtoken.JwsHeader;
import io.jsonwebtoken.JwtException;
import io.jsonwebtoken.Jwts;
import io.jsonwebtoken.security.Jwk;
import io.jsonwebtoken.security.Jwks;
import io.jsonwebtoken.security.Keys;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.util.Map;
import java.util.stream.Collectors;

/** JJWT, which reads key sets and leaves fetching them to us. */
final class Jjwt {
    static Interop.Verifier verifier(Interop.Setting setting) throws Exception {
        var algorithm = Jwts.SIG.get().forKey(setting.algorithm());
        var builder =
                Jwts.parser()
                        .sig().clear().add(algorithm).and()
                        .requireIssuer(setting.issuer())
                        .requireAudience(setting.audience());
        if (setting.secret() != null) {
            builder.verifyWith(
                    Keys.hmacShaKeyFor(setting.secret().getBytes(StandardCharsets.UTF_8)));
        } else {
            var keys = keys(setting.jwks_uri());
            builder.keyLocator(header -> keys.get(((JwsHeader) header).getKeyId()));
        }
        var parser = builder.build();
        return token -> {
            var type = parser.parseSignedClaims(token).getHeader().getType();
            if (!"at+jwt".equals(type)) {
                throw new JwtException("another type of token: " + type);
            }
        };
    }

    private static Map<String, Key> keys(String url) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        var set = Jwks.setParser().build().parse(response.body());
        return set.getKeys().stream().collect(Collectors.toMap(Jwk::getId, Jwk::toKey));
    }

    private Jjwt() {}
}
