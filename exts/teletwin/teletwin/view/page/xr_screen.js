// @ts-check
/** A flat screen in an immersive session that shows a canvas: one textured quad, 1.6 m wide at 1.4 m. */

const VERTEX = `#version 300 es
uniform mat4 projection, view;
out vec2 uv;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  uv = vec2(corner.x, 1.0 - corner.y);
  gl_Position = projection * view * vec4((corner - 0.5) * vec2(1.6, 0.9), -1.4, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D picture;
in vec2 uv;
out vec4 color;
void main() { color = vec4(texture(picture, uv).rgb, 1.0); }`;

/** @param {WebGL2RenderingContext} gl @param {number} kind @param {string} source */
function compile(gl, kind, source) {
  const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
}

/** @param {WebGL2RenderingContext} gl */
function link(gl) {
  const program = /** @type {WebGLProgram} */ (gl.createProgram());
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  return program;
}

export class XrScreen {
  /** @param {any} session @param {HTMLCanvasElement} picture */
  static async open(session, picture) {
    const gl = /** @type {any} */ (document.createElement("canvas").getContext("webgl2", { xrCompatible: true }));
    await gl.makeXRCompatible();
    const layer = new /** @type {any} */ (window).XRWebGLLayer(session, gl);
    await session.updateRenderState({ baseLayer: layer });
    return new XrScreen(gl, layer, picture);
  }

  /** @param {WebGL2RenderingContext} gl @param {any} layer @param {HTMLCanvasElement} picture */
  constructor(gl, layer, picture) {
    this.gl = gl;
    this.layer = layer;
    this.picture = picture;
    this.program = link(gl);
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  /** @param {any} frame @param {any} space */
  draw(frame, space) {
    const { gl, layer, program } = this;
    const pose = frame.getViewerPose(space);
    gl.bindFramebuffer(gl.FRAMEBUFFER, layer.framebuffer);
    gl.clearColor(0.045, 0.055, 0.07, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!pose) return;
    gl.useProgram(program);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, this.picture);
    for (const eye of pose.views) {
      const port = layer.getViewport(eye);
      gl.viewport(port.x, port.y, port.width, port.height);
      gl.uniformMatrix4fv(gl.getUniformLocation(program, "projection"), false, eye.projectionMatrix);
      gl.uniformMatrix4fv(gl.getUniformLocation(program, "view"), false, eye.transform.inverse.matrix);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }
}
