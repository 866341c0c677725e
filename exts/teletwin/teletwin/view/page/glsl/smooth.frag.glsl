// Edge smoothing in the spirit of Lottes, "FXAA" (NVIDIA, 2009): blends along an edge where brightness jumps.
uniform sampler2D picture;
uniform vec2 texel;
out vec4 colour;
float brightness(vec3 c) { return dot(c, vec3(0.3, 0.6, 0.1)); }
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec3 middle = texelFetch(picture, at, 0).rgb;
    float m = brightness(middle);
    float n = brightness(texelFetch(picture, at + ivec2(0, -1), 0).rgb);
    float s = brightness(texelFetch(picture, at + ivec2(0, 1), 0).rgb);
    float w = brightness(texelFetch(picture, at + ivec2(-1, 0), 0).rgb);
    float e = brightness(texelFetch(picture, at + ivec2(1, 0), 0).rgb);
    float low = min(min(min(n, s), min(w, e)), m), high = max(max(max(n, s), max(w, e)), m);
    if (high - low < max(0.045, 0.11 * high)) { colour = vec4(middle, 1.0); return; }
    vec2 edge = vec2(s - n, w - e);
    edge = edge / max(min(abs(edge.x), abs(edge.y)) + 0.03 * (high + low), 1e-3);
    edge = clamp(edge, -6.0, 6.0) * texel;
    vec2 centre = gl_FragCoord.xy * texel;
    vec3 close = 0.5 * (texture(picture, centre - edge / 6.0).rgb + texture(picture, centre + edge / 6.0).rgb);
    vec3 wide = 0.5 * close
        + 0.25 * (texture(picture, centre - 0.5 * edge).rgb + texture(picture, centre + 0.5 * edge).rgb);
    float b = brightness(wide);
    colour = vec4(b < low || b > high ? close : wide, 1.0);
}
